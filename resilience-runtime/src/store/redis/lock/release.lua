#!lua flags=allow-oom
-- KEYS: the lock. ARGV: nonce, trace (ms), place (ms).
local lock, nonce = KEYS[1], ARGV[1]
local there = redis.call('GET', lock)
if not there then
  return
end
local holder, token, till, line = string.match(there, '^(%S+) (%d+) (%d+)\n(.*)$')
if line == '' then
  if holder == nonce then
    -- The token stays, for the next one's to be greater.
    redis.call('SET', lock, '- ' .. token .. ' 0\n', 'PX', ARGV[2])
  end
  return
end

local mine = string.find(line, nonce .. ' ', 1, true)
if mine then
  line = string.sub(line, 1, mine - 1) .. string.sub(line, string.find(line, '\n', mine, true) + 1)
end
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local given_back = holder == nonce
local held = not given_back and holder ~= '-' and tonumber(till) > now

local head, hears
while not held and not head and line ~= '' do
  local who, seen, ear, rest = string.match(line, '^(%S+) (%d+) ([^\n]*)\n()')
  if seen + tonumber(ARGV[3]) > now then
    head, hears = who, ear
  else
    line = string.sub(line, rest)
  end
end
if given_back then
  redis.call('SET', lock, '- ' .. token .. ' 0\n' .. line, 'PX', ARGV[2])
else
  redis.call('SET', lock, string.format('%s %s %s\n', holder, token, till) .. line, 'KEEPTTL')
end
if head then
  redis.call('PUBLISH', hears, head .. '\n')
end
