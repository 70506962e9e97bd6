import { existsSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { CliHome } from '../../support/processes/cli.ts'
import { homeWithCa, ledgerOf, openssl } from './workspace-checks.ts'

describe('client issue alice bob carol', () => {
  let cli: CliHome
  let stdout: string
  beforeAll(async () => {
    cli = await homeWithCa()
    const result = await cli.run(['client', 'issue', 'alice', 'bob', 'carol'], { umask: '000' })
    expect(result).toMatchObject({ code: 0, stderr: '' })
    stdout = result.stdout
  })
  afterAll(() => cli.remove())

  const file = (name: string, suffix: string) => join(cli.home, 'clients', 'localhost', name, `${name}.${suffix}`)

  it('shows the files, the password once, and the last day of each user', () => {
    const expected = ['alice', 'bob', 'carol'].map((name) => {
      const end = openssl('x509', '-in', file(name, 'crt'), '-noout', '-enddate').replace('notAfter=', '')
      return [
        `${name}@localhost`,
        `  bundle       ${file(name, 'p12')}`,
        `  password     ${readFileSync(file(name, 'p12.password'), 'utf8').trim()} (also in ${file(name, 'p12.password')})`,
        `  certificate  ${file(name, 'crt')}`,
        `  private key  ${file(name, 'key')}`,
        `  valid until  ${new Date(end).toISOString().slice(0, 10)}`,
        '',
      ].join('\n')
    })
    expect(stdout).toBe(expected.join(''))
  })

  it.each(['alice', 'bob', 'carol'])('makes a certificate for %s with the profile of design.md', (name) => {
    const text = openssl('x509', '-in', file(name, 'crt'), '-noout', '-text')
    expect(text).toContain('Version: 3 (0x2)')
    expect(text).toMatch(new RegExp(`Subject: CN = ${name}\\n`))
    expect(text).toContain(`email:${name}@localhost`)
    expect(text).toMatch(/X509v3 Extended Key Usage:.*\n\s+TLS Web Client Authentication\n/)
    expect(text).toMatch(/X509v3 Basic Constraints:.*\n\s+CA:FALSE/)
    expect(openssl('asn1parse', '-in', file(name, 'crt'))).toContain('OBJECT')
    openssl(
      'verify',
      '-x509_strict',
      '-purpose',
      'sslclient',
      '-CAfile',
      join(cli.home, 'ca/root.crt'),
      file(name, 'crt'),
    )
  })

  it('makes a bundle with key, certificate, chain and friendlyName', () => {
    const info = openssl(
      'pkcs12',
      '-in',
      file('bob', 'p12'),
      '-passin',
      `file:${file('bob', 'p12.password')}`,
      '-nodes',
    )
    expect(info.match(/BEGIN CERTIFICATE/g)).toHaveLength(2)
    expect(info).toContain('friendlyName: bob@localhost')
    expect(info).toContain('subject=CN = xmppki root CA')
    const key = openssl('pkey', '-in', file('bob', 'key'), '-pubout')
    expect(openssl('x509', '-in', file('bob', 'crt'), '-noout', '-pubkey')).toBe(key)
    expect(openssl('req', '-in', file('bob', 'csr'), '-noout', '-pubkey', '-verify')).toContain(key)
  })

  it('keeps secrets to the owner, whatever the umask is', () => {
    const modes = ['crt', 'csr', 'key', 'p12', 'p12.password'].map(
      (suffix) => statSync(file('alice', suffix)).mode & 0o777,
    )
    expect(modes).toEqual([0o644, 0o644, 0o600, 0o600, 0o600])
    const folders = ['', 'clients', 'clients/localhost', 'clients/localhost/alice', 'ca', 'tmp']
    expect(folders.map((name) => statSync(join(cli.home, name)).mode & 0o777)).toEqual(folders.map(() => 0o700))
    expect(['ca/root.key', 'ledger.db'].map((name) => statSync(join(cli.home, name)).mode & 0o777)).toEqual([
      0o600, 0o600,
    ])
  })

  it('overwrites nothing, goes on with the others, and says so', async () => {
    const before = readFileSync(file('alice', 'key'), 'utf8')
    const result = await cli.run(['client', 'issue', 'alice', 'dora', '--json'])
    expect(result).toMatchObject({ code: 9, stderr: '' })
    const { issued, failed } = JSON.parse(result.stdout)
    expect(issued).toEqual([
      {
        jid: 'dora@localhost',
        device: '',
        serial: expect.stringMatching(/^[0-9a-f]{32}$/),
        fingerprint: expect.stringMatching(/^[0-9a-f]{64}$/),
        notAfter: expect.stringMatching(/^\d{4}-\d\d-\d\dT/),
        directory: join(cli.home, 'clients/localhost/dora'),
        files: {
          key: file('dora', 'key'),
          csr: file('dora', 'csr'),
          certificate: file('dora', 'crt'),
          p12: file('dora', 'p12'),
          p12Password: file('dora', 'p12.password'),
        },
        created: true,
      },
    ])
    expect(result.stdout).not.toContain(readFileSync(file('dora', 'p12.password'), 'utf8').trim())
    expect(failed).toEqual([
      { jid: 'alice@localhost', error: expect.objectContaining({ code: 'EXISTS', exitCode: 3 }) },
    ])
    expect(readFileSync(file('alice', 'key'), 'utf8')).toBe(before)
  })

  it('fails for a single user with the code of that failure', async () => {
    const result = await cli.run(['client', 'issue', 'alice'])
    expect(result).toMatchObject({ code: 3, stdout: '' })
    expect(result.stderr).toBe(
      `error: alice@localhost already has a certificate in ${join(cli.home, 'clients/localhost/alice')}\n` +
        'hint:  --if-missing accepts it, --device LABEL makes one for another device of the same user\n',
    )
  })

  it('accepts what is there with --if-missing', async () => {
    const result = await cli.run(['client', 'issue', 'alice', '--if-missing'])
    expect(result).toMatchObject({ code: 0, stderr: '' })
    expect(result.stdout).toMatch(/^alice@localhost already has a certificate until \d{4}-\d\d-\d\d: .*\/alice\n$/)
  })

  it('issues for a second device, into another folder, with a given password for old systems', async () => {
    writeFileSync(cli.path('password'), 'correct horse\n', { mode: 0o600 })
    const flags = ['--device', 'Phone', '--out', 'handout', '--p12-password-file', 'password', '--p12-compat']
    const result = await cli.run(['client', 'issue', 'Alice@localhost', ...flags])
    expect(result).toMatchObject({ code: 0 })
    expect(result.stderr).toContain('note: "Alice@localhost" is the user alice@localhost')
    expect(result.stdout).not.toContain('password')
    const folder = cli.path('handout', 'alice@phone')
    expect(readdirSync(folder).sort()).toEqual(['alice.crt', 'alice.csr', 'alice.key', 'alice.p12'])
    const info = openssl('pkcs12', '-in', join(folder, 'alice.p12'), '-passin', 'pass:correct horse', '-info', '-noout')
    expect(info).toBe('')
  })
})

describe('names', () => {
  let cli: CliHome
  beforeAll(async () => {
    cli = await homeWithCa('--domain', 'example.org', '--permit-domain', 'example.org')
  })
  afterAll(() => cli.remove())

  it.each([
    ['two at signs', ['a@@b'], 'BAD_NAME', '"a@@b"'],
    ['nothing', [''], 'BAD_NAME', 'the localpart is empty'],
    ['a space', ['a b'], 'BAD_NAME', 'the localpart contains a space'],
    ['a path', ['../x'], 'BAD_NAME', 'the localpart contains /'],
    ['a full JID', ['bob@example.org/phone'], 'BAD_NAME', 'full JID'],
    ['no localpart', ['@example.org'], 'BAD_NAME', 'the localpart is empty'],
    ['an escape sequence', ['\u001b[31mred'], 'BAD_NAME', '"\\u001b[31mred"'],
    ['one name twice', ['alice', 'ALICE'], 'BAD_NAME', 'the user alice@example.org is named twice'],
    ['one bad name among good ones', ['alice', 'b@@d', 'carol'], 'BAD_NAME', '1 of 3 names'],
    ['a domain outside the name constraints', ['alice', 'bob@other.example'], 'BAD_NAME', 'other.example'],
    ['an IP address as domain', ['bob@192.0.2.1'], 'BAD_NAME', '192.0.2.1'],
    ['another domain than --domain', ['bob@a.example.org', '--domain', 'example.org'], 'USAGE', 'bob@a.example.org'],
    ['users who would share a folder', ['bob', 'bob@a.example.org', '--out', 'x'], 'USAGE', 'would share a folder'],
    ['a bad device', ['bob', '--device', '../x'], 'BAD_NAME', '../x'],
    ['no days', ['bob', '--days', '0'], 'BAD_INPUT', '--days'],
    ['days that is not a number', ['bob', '--days', '1e3'], 'BAD_INPUT', '1e3'],
    ['an unknown key type', ['bob', '--key-type', 'dsa'], 'BAD_INPUT', "unknown key type 'dsa'"],
    ['an unknown flag', ['bob', '--dayz', '5'], 'USAGE', 'unknown flag: --dayz'],
    ['no name', [], 'USAGE', 'missing argument: NAME'],
  ])('refuses %s and writes nothing', async (_case, args, code, text) => {
    const result = await cli.run(['client', 'issue', '--json', ...args])
    const { error } = JSON.parse(result.stdout)
    expect(error).toMatchObject({ code, exitCode: 2 })
    expect(error.message).toContain(text)
    expect(result.code).toBe(2)
    expect(existsSync(join(cli.home, 'clients'))).toBe(false)
    expect(ledgerOf(cli)).toEqual([])
  })

  it('names the largest --days', async () => {
    const result = await cli.run(['client', 'issue', 'bob', '--days', '9999', '--json'])
    expect(JSON.parse(result.stdout).error).toMatchObject({
      code: 'BAD_INPUT',
      hint: expect.stringMatching(/--days 36(49|50)/),
    })
  })

  it('says where the JID of a user stands who does not fit into a Common Name (RFC 5280, ub-common-name)', async () => {
    const name = 'x'.repeat(65)
    const result = await cli.run(['client', 'issue', name, '--json'])
    expect(result.code).toBe(0)
    expect(result.stderr).toContain('longer than the 64 characters of a Common Name')
    const [issued] = JSON.parse(result.stdout).issued
    const text = openssl('x509', '-in', issued.files.certificate, '-noout', '-text')
    expect(text).toMatch(/Subject: *\n/)
    expect(text).toContain(`email:${name}@example.org`)
  })
})

describe('the passphrase of the CA key', () => {
  let cli: CliHome
  beforeAll(async () => {
    cli = new CliHome()
    const env = { XMPPKI_CA_PASSPHRASE: 'open sesame' }
    expect(await cli.run(['ca', 'init'], { env })).toMatchObject({ code: 0 })
    writeFileSync(cli.path('right'), 'open sesame\n', { mode: 0o600 })
    writeFileSync(cli.path('wrong'), 'close sesame\n', { mode: 0o600 })
    writeFileSync(cli.path('blank'), ' \n', { mode: 0o600 })
    writeFileSync(cli.path('shared'), 'open sesame', { mode: 0o644 })
  })
  afterAll(() => cli.remove())

  it.each([
    ['a file', 'u1', ['--passphrase-file', 'right'], {}, ''],
    ['standard input', 'u2', ['--passphrase-file', '-'], { stdin: 'open sesame\r\n' }, ''],
    ['the environment', 'u3', [], { env: { XMPPKI_CA_PASSPHRASE: 'open sesame' } }, ''],
    ['a file named by the environment', 'u4', [], { env: { XMPPKI_CA_PASSPHRASE_FILE: 'right' } }, ''],
    ['a file that others may read', 'u5', ['--passphrase-file', 'shared'], {}, 'can be read by others'],
  ])('comes from %s', async (_source, user, args, options, remark) => {
    const result = await cli.run(['client', 'issue', user, ...args], options)
    expect(result.code, result.stderr).toBe(0)
    if (remark === '') expect(result.stderr).toBe('')
    else expect(result.stderr).toContain(remark)
  })

  it.each([
    ['wrong', ['--passphrase-file', 'wrong'], 5, 'PASSPHRASE'],
    ['blank', ['--passphrase-file', 'blank'], 5, 'PASSPHRASE'],
    ['missing, without a terminal', [], 5, 'PASSPHRASE'],
    ['in a file that is not there', ['--passphrase-file', 'nowhere'], 4, 'NOT_FOUND'],
    ['twice on standard input', ['--passphrase-file', '-', '--p12-password-file', '-'], 2, 'USAGE'],
  ])('%s: fails once for all names, writes nothing, tells no secret', async (_case, args, code, name) => {
    const result = await cli.run(['client', 'issue', 'v1', 'v2', '--json', ...args])
    expect(result.code).toBe(code)
    expect(JSON.parse(result.stdout).error.code).toBe(name)
    expect(result.stdout + result.stderr).not.toMatch(/sesame/)
    expect(existsSync(join(cli.home, 'clients/localhost/v1'))).toBe(false)
  })
})
