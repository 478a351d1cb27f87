-- KEYS: the record. One key only: of several, some may be on another node while their slot is moved.
-- ARGV: the head of the claim (see `record.rs`), lease (ms), lease and trace (ms), the channel of who asks (empty: it
-- does not wait), and of a record that may be replaced its state as in its head, and its body.
local record, head = KEYS[1], ARGV[1]
local there = redis.call('GET', record)

local attempt, interrupted, token, over, left, body = 1, '0', nil, true, nil, ''
if there then
  local state = string.byte(there)
  local completed = state == 118 or state == 101 or state == 116 -- value, error, tombstone
  local same = string.sub(there, 13, 76) == string.sub(head, 13, 76)
  if completed then
    local line = string.find(there, '\n', 111, true)
    if not (same and string.sub(there, 1, 11) == ARGV[5] and string.sub(there, line + 1) == ARGV[6]) then
      -- Who asks compares the fingerprint.
      return there
    end
  end
  local was, broken, last, till, waiters = string.match(there, '^(%d+) (%d) (%d+) (%d+)\n()', 111)
  local running = state == 114
  local forgotten = state == 102 and broken == '0' and not same -- failed
  if not same and not forgotten then
    return 'mismatch'
  end
  token = tonumber(last)
  if running then
    local time = redis.call('TIME')
    left = tonumber(till) - (time[1] * 1000 + math.floor(time[2] / 1000))
    over = left <= 0
    body = string.sub(there, waiters)
    if not over and string.sub(there, 78, 109) ~= string.sub(head, 78, 109) then
      local channel = ARGV[4]
      if channel ~= '' and not string.find(body, channel, 1, true) then
        -- Where the memory is full nobody is woken, and who waits asks again.
        redis.pcall('SET', record, there .. channel .. '\n', 'KEEPTTL')
      end
      return left
    end
  end
  if not over then
    attempt, interrupted = was, broken
  elseif not forgotten then
    attempt = was + 1
    if state == 102 then
      interrupted = broken
    elseif not completed then
      interrupted = '1'
    end
  end
end

local time = redis.call('TIME')
local micros = time[1] * 1000000 + time[2]
if over then
  token = token and math.max(micros, token + 1) or micros
end
local line = string.format('%d %s %.0f %.0f\n', attempt, interrupted, token, math.floor(micros / 1000) + ARGV[2])
redis.call('SET', record, head .. line .. body, 'PX', ARGV[3])
return line
