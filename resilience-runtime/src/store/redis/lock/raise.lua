#!lua flags=allow-oom
-- KEYS: the lock. ARGV: nonce, token.
local there = redis.call('HMGET', KEYS[1], 'nonce', 'until', 'token')
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
if there[1] ~= ARGV[1] or tonumber(there[2]) <= now then
  return 0
end
if tonumber(there[3]) < tonumber(ARGV[2]) then
  redis.call('HSET', KEYS[1], 'token', ARGV[2])
end
return 1
