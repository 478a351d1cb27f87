#!lua flags=allow-oom
-- KEYS: the record. ARGV: nonce, how it ended (failed, interrupted, unused), trace (ms).
local record, how = KEYS[1], ARGV[2]
local there = redis.call('GET', record)
if not there or string.byte(there) ~= 114 or string.sub(there, 78, 109) ~= ARGV[1] then -- running
  return 0
end

local attempt, interrupted, rest, waiters = string.match(there, '^(%d+) (%d)( %d+ %d+\n)()', 111)
if how == 'unused' and attempt == '1' then
  redis.call('DEL', record)
else
  if how == 'unused' then
    how, attempt = 'failed', attempt - 1
  elseif how == 'interrupted' then
    interrupted = '1'
  end
  local line = string.format('%d %s', attempt, interrupted) .. rest
  redis.call('SET', record, string.format('%-11s', how) .. string.sub(there, 12, 110) .. line, 'PX', ARGV[3])
end

for channel in string.gmatch(string.sub(there, waiters), '[^\n]+') do
  redis.call('PUBLISH', channel, record .. '\n')
end
return 1
