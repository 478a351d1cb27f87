#!lua flags=allow-oom
-- KEYS: the record. ARGV: nonce, how it ended (failed, interrupted, unused), trace (ms).
local record, how = KEYS[1], ARGV[2]
local there = redis.call('HMGET', record, 'state', 'nonce', 'attempt', 'waiters')
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

if there[4] then
  redis.call('HDEL', record, 'waiters')
  for channel in string.gmatch(there[4], '[^\n]+') do
    redis.call('PUBLISH', channel, record .. '\n')
  end
end
return 1
