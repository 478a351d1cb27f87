#!lua flags=allow-oom
-- KEYS: the lock. ARGV: nonce, lease (ms), trace (ms).
local there = redis.call('HMGET', KEYS[1], 'nonce', 'until')
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
if there[1] ~= ARGV[1] or tonumber(there[2]) <= now then
  return 0
end
redis.call('HSET', KEYS[1], 'until', string.format('%.0f', now + ARGV[2]))
redis.call('PEXPIRE', KEYS[1], ARGV[2] + ARGV[3])
return 1
