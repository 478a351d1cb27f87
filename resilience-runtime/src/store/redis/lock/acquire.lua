-- KEYS: the lock. One key only: of several, some may be on another node while their slot is moved.
-- ARGV: nonce, lease (ms), trace (ms), place (ms), the channel of who asks (empty: it does not wait), the token of a
-- new holder (empty: the time), how many replicas there must be.
-- The line: `first` and `last` are tickets, `#ticket` is the nonce that has it, and `@nonce` its ticket, when it
-- asked last, and its channel.
local lock, nonce = KEYS[1], ARGV[1]
local lease, trace, place, channel = tonumber(ARGV[2]), tonumber(ARGV[3]), tonumber(ARGV[4]), ARGV[5]

if ARGV[7] ~= '0' then
  -- Who may not ask finds out by waiting.
  local info = redis.pcall('INFO', 'replication')
  local there = type(info) == 'string' and info:match('connected_slaves:(%d+)')
  if there and tonumber(there) < tonumber(ARGV[7]) then
    return { 'replicas', tonumber(there) }
  end
end

local there = redis.call('HMGET', lock, 'nonce', 'until', 'token', 'first', 'last', '@' .. nonce)
local time = redis.call('TIME')
local micros = time[1] * 1000000 + time[2]
local now = math.floor(micros / 1000)
local held = there[1] and tonumber(there[2]) > now
local first, last, mine = tonumber(there[4] or 1), tonumber(there[5] or 0), there[6]

-- The head of the line is asked for only where the lock is free.
local head, hears, skipped
while not held and not head and first <= last do
  local who = redis.call('HGET', lock, '#' .. first)
  local at = who and redis.call('HGET', lock, '@' .. who)
  local seen, ear = (at or ''):match('^%d+ (%d+) (.*)$')
  if seen and (who == nonce or seen + place > now) then
    head, hears = who, ear
  else
    if who then
      redis.call('HDEL', lock, '#' .. first, '@' .. who)
      skipped = true
    end
    first = first + 1
  end
end
if tostring(first) ~= there[4] and first > 1 then
  redis.pcall('HSET', lock, 'first', first)
end

if held and there[1] ~= nonce or head and head ~= nonce then
  if channel ~= '' then
    local ticket = mine and mine:match('^%d+') or last + 1
    local at = string.format('%d %.0f %s', ticket, now, channel)
    -- Where the memory is full nobody gets a place, and who waits asks again.
    redis.pcall('HSET', lock, '@' .. nonce, at, '#' .. ticket, nonce, 'last', math.max(last, ticket))
  end
  if skipped then
    redis.call('PUBLISH', hears, head .. '\n')
  end
  return { 'busy', held and tonumber(there[2]) - now or -1 }
end

local token = there[3]
if not held then
  token = ARGV[6] ~= '' and tonumber(ARGV[6]) or micros
  token = string.format('%.0f', math.max(token, (there[3] or 0) + 1))
end
redis.call('HSET', lock, 'nonce', nonce, 'until', string.format('%.0f', now + lease), 'token', token)
if mine then
  redis.call('HDEL', lock, '@' .. nonce, '#' .. mine:match('^%d+'))
end
redis.call('PEXPIRE', lock, lease + trace)
return { 'granted', token }
