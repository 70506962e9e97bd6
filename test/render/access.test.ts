import { execFileSync } from 'node:child_process'
import { describe, expect, it } from 'vitest'
import { accessFor } from '../../src/render/access.ts'
import { shellWord } from '../../src/render/quote.ts'
import { serverRequest } from '../support/documents/rendered.ts'

const reader = { name: 'Server', user: 'server', reload: 'serverctl reload', comment: '#' }

describe('accessFor', () => {
  it('leaves the files where they are, and says what is against it', () => {
    const request = serverRequest()
    const { files, note } = accessFor(request, reader)
    expect(files).toBe(request.files)
    expect(note).toContain('# folder of xmppki is closed to others. With --files FOLDER')
  })

  it('names copies, and says how they are made', () => {
    const crls = ['/x/ca/root.crl', '/x/ca/issuing/issuing.crl', '/x/ca/issuing~1a2b/issuing.crl']
    const { files, note } = accessFor({ ...serverRequest({ crls }), copies: '/etc/my server' }, reader)
    expect(files).toEqual({
      domain: 'example.org',
      chain: '/etc/my server/chain.crt',
      key: '/etc/my server/server.key',
      ca: '/etc/my server/root.crt',
      crls: ['/etc/my server/root.crl', '/etc/my server/issuing.crl', '/etc/my server/issuing~1a2b.crl'],
    })
    expect(note.split('\n')).toEqual([
      '# Server reads copies, as its user may not look into the folder of xmppki. Make them as root:',
      "#   install -d -o server -m 700 '/etc/my server'",
      "#   install -o server -m 600 /var/lib/xmppki/server/example.org/chain.crt '/etc/my server/chain.crt'",
      "#   install -o server -m 600 /var/lib/xmppki/server/example.org/server.key '/etc/my server/server.key'",
      "#   install -o server -m 600 /var/lib/xmppki/ca/root.crt '/etc/my server/root.crt'",
      "#   install -o server -m 600 /x/ca/root.crl '/etc/my server/root.crl'",
      "#   install -o server -m 600 /x/ca/issuing/issuing.crl '/etc/my server/issuing.crl'",
      "#   install -o server -m 600 /x/ca/issuing~1a2b/issuing.crl '/etc/my server/issuing~1a2b.crl'",
      '# Lists anew after each revocation and before they end;',
      '# key and certificate anew after each renewal, by:',
      `#   xmppki server renew --expires-in 30d --exec 'install -o server -m 600 -t '\\''/etc/my server'\\'' "$XMPPKI_CHAIN" "$XMPPKI_PRIVATE_KEY" && serverctl reload'`,
    ])
  })
})

describe('shellWord', () => {
  it.each(['/plain/path', 'a b', "o'brien", '~home', '$HOME', '`id`', '"x"', 'a;b', '*', ''])('%s', (text) => {
    const said = execFileSync('/bin/sh', ['-c', `printf %s ${shellWord(text)}`], { encoding: 'utf8' })
    expect(said).toBe(text)
  })
})
