#!lua flags=allow-oom
-- KEYS: the record, its waiters. ARGV: nonce, how it ended (failed, interrupted, unused), trace (ms).
local record, waiters, how = KEYS[1], KEYS[2], ARGV[2]
local there = redis.call('HMGET', record, 'state', 'nonce', 'attempt')
if there[1] ~= 'running' or there[2] ~= ARGV[1] then
  return 0
end

if how == 'unused' and there[3] == '1' then
  redis.call('DEL', record)
elseif how == 'unused' then
  redis.call('HSET', record, 'state', 'failed', 'attempt', there[3] - 1)
  redis.call('PEXPIRE', record, ARGV[3])
else
  redis.call('HSET', record, 'state', how)
  if how == 'interrupted' then
    redis.call('HSET', record, 'interrupted', '1')
  end
  redis.call('PEXPIRE', record, ARGV[3])
end

local channels = redis.call('SMEMBERS', waiters)
if #channels > 0 then
  for _, channel in ipairs(channels) do
    redis.call('PUBLISH', channel, record .. '\n')
  end
  redis.call('DEL', waiters)
end
return 1
