#!lua flags=allow-oom
-- The last word about a run is not refused for want of memory.
-- KEYS: the record.
-- ARGV: the head of the record (see `record.rs`), its body, ttl (ms; empty: for ever), and whether it is pushed to who
-- waits (empty: they have to ask).
local record, head, body = KEYS[1], ARGV[1], ARGV[2]
local there = redis.call('GET', record)

local line, waiters
if there then
  local state = string.byte(there)
  if string.sub(there, 78, 109) ~= string.sub(head, 78, 109) then
    if state == 114 then -- running
      return 0
    end
    if state ~= 102 and state ~= 105 then -- failed, interrupted
      return there
    end
  end
  local last = string.find(there, '\n', 111, true)
  line = string.sub(there, 111, last)
  if state == 114 and last < #there then
    waiters = string.sub(there, last + 1)
  end
else
  -- Of a claim that has vanished nothing is known: its token is taken from the time, as that of a new key is.
  local time = redis.call('TIME')
  line = string.format('1 0 %.0f 0\n', time[1] * 1000000 + time[2])
end

local whole = head .. line .. body
if ARGV[3] ~= '' then
  redis.call('SET', record, whole, 'PX', ARGV[3])
else
  redis.call('SET', record, whole)
end

if waiters then
  local message = record .. '\n'
  if ARGV[4] ~= '' then
    message = message .. whole
  end
  for channel in string.gmatch(waiters, '[^\n]+') do
    redis.call('PUBLISH', channel, message)
  end
end
return 1
