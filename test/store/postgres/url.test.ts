import { describe, expect, it } from 'vitest'
import { parsePostgresUrl, withoutPassword } from '../../../src/store/postgres/url.ts'

describe('parsePostgresUrl', () => {
  it.each([
    {
      url: 'postgres://xmppki:p%40ss%2F%3A@db.example.org/accounts',
      wanted: {
        host: 'db.example.org',
        port: 5432,
        user: 'xmppki',
        password: 'p@ss/:',
        database: 'accounts',
        tls: true,
      },
    },
    {
      url: 'postgresql://xmppki@db.example.org:6432/a%20b?sslmode=verify-full&sslrootcert=/etc/ssl/db.pem',
      wanted: { port: 6432, database: 'a b', password: undefined, tls: true, caFile: '/etc/ssl/db.pem' },
    },
    { url: 'postgres://u:p@10.0.0.7/d?sslmode=disable', wanted: { host: '10.0.0.7', tls: false } },
    { url: 'postgres://u:p@127.0.0.1/d', wanted: { host: '127.0.0.1', tls: false } },
    { url: 'postgres://u:p@[::1]/d', wanted: { host: '::1', tls: false } },
    { url: 'postgres://u:p@localhost/d?sslmode=verify-full', wanted: { tls: true } },
    {
      url: 'postgres://u@/d?host=/run/postgresql&port=5433',
      wanted: { host: '/run/postgresql', port: 5433, tls: false },
    },
    { url: 'postgres://u@%2Frun%2Fpostgresql/d', wanted: { host: '/run/postgresql', tls: false } },
  ])('reads $url', ({ url, wanted }) => {
    expect(parsePostgresUrl(url)).toMatchObject(wanted)
  })

  it.each([
    ['', 'not a URL'],
    ['sesame', 'not a URL'],
    ['mysql://u:sesame@h/d', 'does not begin with postgres://'],
    ['postgres://u:sesame@h', 'names no database'],
    ['postgres://u:sesame@h/a/b', 'names no database'],
    ['postgres://u:sesame@/d', 'not a URL'],
    ['postgres://h/d', 'names no user'],
    ['postgres://u:ses#ame@h/d', 'not a URL'],
    ['postgres://u:sesame@h/d#x', '"#"'],
    ['postgres://u:ses%ame@h/d', '"%"'],
    ['postgres://u:sesame@h:99999/d', 'not a URL'],
    ['postgres://u@/d?host=/s&port=sesame', 'port'],
    ['postgres://u:sesame@h/d?sslmode=require', 'sslmode'],
    ['postgres://u:sesame@h/d?sslmode=prefer', 'sslmode'],
    ['postgres://u@h/d?password=sesame', 'parameter'],
  ])('refuses %j, and does not repeat it', (url, reason) => {
    const message = expect.stringContaining(reason)
    expect(() => parsePostgresUrl(url)).toThrow(expect.objectContaining({ code: 'BAD_INPUT', message }))
    try {
      parsePostgresUrl(url)
    } catch (error) {
      const { message: text, hint, stack, cause } = error as Error & { hint: string }
      expect(`${text} ${hint} ${stack} ${cause}`).not.toMatch(/sesame|ses[#%]ame/)
    }
  })
})

describe('withoutPassword', () => {
  it.each([
    ['postgres://u:p%40ss@h:6432/d?sslmode=disable', 'postgres://u:***@h:6432/d?sslmode=disable'],
    ['postgres://u@h/d', 'postgres://u@h/d'],
    ['postgres://u:p@/d?host=/run/postgresql', 'postgres://u:***@/d?host=/run/postgresql'],
  ])('shows %s as %s', (url, shown) => {
    expect(withoutPassword(url)).toBe(shown)
  })
})
