import { describe, expect, it } from 'vitest'
import { parseHostPort } from '../../src/cli/host-port.ts'

describe('parseHostPort', () => {
  it.each([
    ['example.org', 'example.org', undefined],
    ['example.org:5222', 'example.org', 5222],
    ['bücher.example:443', 'bücher.example', 443],
    ['127.0.0.1:1', '127.0.0.1', 1],
    ['::1', '::1', undefined],
    ['[::1]', '::1', undefined],
    ['[2001:db8::1]:65535', '2001:db8::1', 65535],
  ])('reads %s', (text, host, port) => {
    expect(parseHostPort(text)).toEqual({ host, port })
  })

  it.each(['', ':5222', 'a:', 'a:0', 'a:65536', 'a:x', 'a:b:c:d', '[a]:1', '[::1]x', 'xmpp://a', 'user@a', 'a b'])(
    'refuses %j',
    (text) => {
      expect(() => parseHostPort(text)).toThrow(`'${text}' is not a host and port`)
    },
  )
})
