-- KEYS: the lock, its line (nonces by ticket), their places (when each asked last, and its channel).
-- ARGV: nonce, lease (ms), trace (ms), place (ms), the channel of who asks (empty: it does not wait), the token of a
-- new holder (empty: the time), how many replicas there must be.
local lock, line, places = KEYS[1], KEYS[2], KEYS[3]
local nonce, lease, trace, place, channel = ARGV[1], tonumber(ARGV[2]), tonumber(ARGV[3]), tonumber(ARGV[4]), ARGV[5]

if ARGV[7] ~= '0' then
  -- Who may not ask finds out by waiting.
  local info = redis.pcall('INFO', 'replication')
  local there = type(info) == 'string' and info:match('connected_slaves:(%d+)')
  if there and tonumber(there) < tonumber(ARGV[7]) then
    return { 'replicas', tonumber(there) }
  end
end

local there = redis.call('HMGET', lock, 'nonce', 'until', 'token')
local time = redis.call('TIME')
local micros = time[1] * 1000000 + time[2]
local now = math.floor(micros / 1000)
local held = there[1] and tonumber(there[2]) > now

local head, seen, hears, skipped
if not held then
  repeat
    head = redis.call('ZRANGE', line, 0, 0)[1]
    local there = head and redis.call('HGET', places, head)
    if there then
      seen, hears = there:match('^(%d+) (.*)$')
    end
    local gone = head and head ~= nonce and (not there or seen + place <= now)
    if gone then
      redis.call('ZREM', line, head)
      redis.call('HDEL', places, head)
      skipped = true
    end
  until not gone
end

if held and there[1] ~= nonce or head and head ~= nonce then
  if channel ~= '' then
    if not redis.call('ZSCORE', line, nonce) then
      redis.call('ZADD', line, redis.call('HINCRBY', lock, 'ticket', 1), nonce)
    end
    redis.call('HSET', places, nonce, string.format('%.0f', now) .. ' ' .. channel)
    redis.call('PEXPIRE', line, 2 * place)
    redis.call('PEXPIRE', places, 2 * place)
  end
  if skipped then
    redis.call('PUBLISH', hears, head .. '\n')
  end
  return { 'busy', held and tonumber(there[2]) - now or -1 }
end

local token = there[3]
if not held then
  token = ARGV[6] ~= '' and tonumber(ARGV[6]) or micros
  token = string.format('%.0f', math.max(token, (there[3] or 0) + 1))
end
if head then
  redis.call('ZREM', line, nonce)
  redis.call('HDEL', places, nonce)
end
redis.call('HSET', lock, 'nonce', nonce, 'until', string.format('%.0f', now + lease), 'token', token)
redis.call('PEXPIRE', lock, lease + trace)
return { 'granted', token }
