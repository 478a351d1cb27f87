#!lua flags=allow-oom
-- KEYS: the record. ARGV: nonce, lease (ms), lease and trace (ms).
local there = redis.call('GET', KEYS[1])
if not there or string.byte(there) ~= 114 or string.sub(there, 78, 109) ~= ARGV[1] then -- running
  return 0
end
local from, till, to = string.match(there, '^%d+ %d %d+ ()(%d+)()', 111)
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
if tonumber(till) <= now then
  return 0
end
local renewed = string.sub(there, 1, from - 1) .. string.format('%.0f', now + ARGV[2]) .. string.sub(there, to)
redis.call('SET', KEYS[1], renewed, 'PX', ARGV[3])
return 1
