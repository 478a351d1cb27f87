#!lua flags=allow-oom
-- KEYS: the lock. ARGV: nonce, trace (ms), place (ms).
local lock, nonce, place = KEYS[1], ARGV[1], tonumber(ARGV[3])
local there = redis.call('HMGET', lock, 'nonce', 'until', 'first', 'last', '@' .. nonce)
if there[5] then
  redis.call('HDEL', lock, '@' .. nonce, '#' .. there[5]:match('^%d+'))
end

local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
if there[1] == nonce then
  -- The token stays, for the next one's to be greater.
  redis.call('HDEL', lock, 'nonce', 'until')
  redis.call('PEXPIRE', lock, ARGV[2])
elseif there[1] and tonumber(there[2]) > now then
  return
end

local first, last = tonumber(there[3] or 1), tonumber(there[4] or 0)
while first <= last do
  local who = redis.call('HGET', lock, '#' .. first)
  local at = who and redis.call('HGET', lock, '@' .. who)
  local seen, channel = (at or ''):match('^%d+ (%d+) (.*)$')
  if seen and seen + place > now then
    redis.call('HSET', lock, 'first', first)
    redis.call('PUBLISH', channel, who .. '\n')
    return
  end
  if who then
    redis.call('HDEL', lock, '#' .. first, '@' .. who)
  end
  first = first + 1
end
if last > 0 then
  redis.call('HDEL', lock, 'first', 'last')
end
