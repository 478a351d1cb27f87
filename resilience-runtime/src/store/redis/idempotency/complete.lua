#!lua flags=allow-oom
-- The last word about a run is not refused for want of memory.
-- KEYS: the record.
-- ARGV: nonce, state, fingerprint, schema, content, ttl (ms; empty: for ever), the longest content that is pushed.
local record = KEYS[1]
local nonce, state, fingerprint, schema, content, ttl = ARGV[1], ARGV[2], ARGV[3], ARGV[4], ARGV[5], ARGV[6]

local there = redis.call('HMGET', record, 'state', 'nonce', 'fingerprint', 'schema', 'content',
  'attempt', 'token', 'waiters')
if there[1] and there[2] ~= nonce then
  if there[1] == 'running' then
    return { 'refused' }
  end
  if there[1] ~= 'failed' and there[1] ~= 'interrupted' then
    return { 'refused', there[1], there[3], there[4], there[5] }
  end
end

redis.call('DEL', record)
-- Of a claim that has vanished nothing is known: its token is taken from the time, as that of a new key is.
local time = redis.call('TIME')
local token = there[7] or string.format('%.0f', time[1] * 1000000 + time[2])
redis.call('HSET', record, 'state', state, 'fingerprint', fingerprint, 'nonce', nonce, 'schema', schema,
  'content', content, 'attempt', there[6] or 1, 'token', token)
if ttl ~= '' then
  redis.call('PEXPIRE', record, ttl)
end

if there[8] then
  local message = record .. '\n'
  if #content <= tonumber(ARGV[7]) then
    message = message .. state .. '\n' .. fingerprint .. '\n' .. #schema .. '\n' .. schema .. content
  end
  for channel in string.gmatch(there[8], '[^\n]+') do
    redis.call('PUBLISH', channel, message)
  end
end
return { 'stored' }
