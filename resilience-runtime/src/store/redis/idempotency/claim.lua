-- KEYS: the record. One key only: of several, some may be on another node while their slot is moved.
-- ARGV: fingerprint, nonce, lease (ms), trace (ms), the channel of who asks (empty: it does not wait), and the state,
-- schema and content of the record that may be replaced (empty: none).
local record = KEYS[1]
local fingerprint, nonce, lease, trace, channel = ARGV[1], ARGV[2], tonumber(ARGV[3]), tonumber(ARGV[4]), ARGV[5]

local there = redis.call('HMGET', record, 'state', 'fingerprint', 'nonce', 'attempt', 'interrupted', 'token', 'until',
  'schema', 'content', 'waiters')
local state, same = there[1], there[2] == fingerprint
local forgotten = state == 'failed' and there[5] == '0' and not same
if state and not same and not forgotten then
  return { 'mismatch' }
end
local completed = state == 'value' or state == 'error' or state == 'tombstone'
if completed and not (state == ARGV[6] and there[8] == ARGV[7] and there[9] == ARGV[8]) then
  return { 'completed', state, there[2], there[8], there[9] }
end

local time = redis.call('TIME')
local micros = time[1] * 1000000 + time[2]
local now = math.floor(micros / 1000)
local attempt, interrupted, token = 1, '0', micros
if state then
  local over = state ~= 'running' or tonumber(there[7]) <= now
  if not over and there[3] ~= nonce then
    local waiters = there[10] or ''
    if channel ~= '' and not string.find(waiters, channel, 1, true) then
      -- Where the memory is full nobody is woken, and who waits asks again.
      redis.pcall('HSET', record, 'waiters', waiters .. channel .. '\n')
    end
    return { 'busy', tonumber(there[7]) - now }
  end
  token = math.max(token, there[6] + 1)
  if not over then
    attempt, interrupted, token = there[4], there[5], there[6]
  elseif not forgotten then
    attempt = there[4] + 1
    if state == 'failed' then
      interrupted = there[5]
    elseif not completed then
      interrupted = '1'
    end
  end
end

token = string.format('%.0f', token)
redis.call('HSET', record, 'state', 'running', 'fingerprint', fingerprint, 'nonce', nonce,
  'attempt', attempt, 'interrupted', interrupted, 'token', token, 'until', string.format('%.0f', now + lease))
if state then
  -- After the write, which may be refused: a record that is replaced is not lost before.
  redis.call('HDEL', record, 'schema', 'content')
end
redis.call('PEXPIRE', record, lease + trace)
return { 'granted', tonumber(attempt), tonumber(interrupted), token }
