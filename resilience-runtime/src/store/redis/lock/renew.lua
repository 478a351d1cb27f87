#!lua flags=allow-oom
-- KEYS: the lock. ARGV: nonce, lease (ms), lease and trace (ms).
local there = redis.call('GET', KEYS[1])
if not there then
  return 0
end
local holder, token, till, line = string.match(there, '^(%S+) (%d+) (%d+)\n(.*)$')
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
if holder ~= ARGV[1] or tonumber(till) <= now then
  return 0
end
redis.call('SET', KEYS[1], string.format('%s %s %.0f\n', holder, token, now + ARGV[2]) .. line, 'PX', ARGV[3])
return 1
