-- KEYS: the lock. One key only: of several, some may be on another node while their slot is moved.
-- ARGV: nonce, lease (ms), lease and trace (ms), place (ms), the channel of who asks (empty: it does not wait), the
-- token of a new holder (empty: the time), how many replicas there must be.
-- A lock is a line of its holder (`-` where it is free), the token and the end of the lease, and then one for each
-- who waits, first come first: nonce, when it asked last, channel.
local lock, nonce, channel = KEYS[1], ARGV[1], ARGV[5]

if ARGV[7] ~= '0' then
  -- Who may not ask finds out by waiting.
  local info = redis.pcall('INFO', 'replication')
  local there = type(info) == 'string' and info:match('connected_slaves:(%d+)')
  if there and tonumber(there) < tonumber(ARGV[7]) then
    return { tonumber(there) }
  end
end

local there = redis.call('GET', lock)
local time = redis.call('TIME')
local micros = time[1] * 1000000 + time[2]
local now = math.floor(micros / 1000)
local holder, last, till, line = '-', nil, '0', ''
if there then
  holder, last, till, line = string.match(there, '^(%S+) (%d+) (%d+)\n(.*)$')
end
local held = holder ~= '-' and tonumber(till) > now
local mine = line ~= '' and string.find(line, nonce .. ' ', 1, true)

-- The head of the line is asked for only where the lock is free.
local head, hears, skipped
while not held and not head and line ~= '' do
  local who, seen, ear, rest = string.match(line, '^(%S+) (%d+) ([^\n]*)\n()')
  if who == nonce or seen + tonumber(ARGV[4]) > now then
    head, hears = who, ear
  else
    line, skipped = string.sub(line, rest), true
    mine = mine and mine - rest + 1
  end
end

local past = mine and string.find(line, '\n', mine, true) + 1
if held and holder ~= nonce or head and head ~= nonce then
  if channel ~= '' then
    local place = string.format('%s %.0f %s\n', nonce, now, channel)
    line = mine and string.sub(line, 1, mine - 1) .. place .. string.sub(line, past) or line .. place
  end
  if channel ~= '' or skipped then
    -- Where the memory is full nobody gets a place, and who waits asks again.
    redis.pcall('SET', lock, string.format('%s %s %s\n', holder, last, till) .. line, 'KEEPTTL')
  end
  if skipped then
    redis.call('PUBLISH', hears, head .. '\n')
  end
  return held and tonumber(till) - now or -1
end

local token = last
if not held then
  token = ARGV[6] ~= '' and tonumber(ARGV[6]) or micros
  token = string.format('%.0f', math.max(token, (last or 0) + 1))
end
if mine then
  line = string.sub(line, 1, mine - 1) .. string.sub(line, past)
end
redis.call('SET', lock, string.format('%s %s %.0f\n', nonce, token, now + ARGV[2]) .. line, 'PX', ARGV[3])
return token
