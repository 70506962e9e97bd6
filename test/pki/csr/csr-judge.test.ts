import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { XmppkiError } from '../../../src/errors.ts'
import { createCsr } from '../../../src/pki/csr/csr.ts'
import { judgeCsr, type SigningPolicy } from '../../../src/pki/csr/csr-judge.ts'
import { readCsr } from '../../../src/pki/csr/csr-reader.ts'
import { decodePem } from '../../../src/pki/der/pem.ts'
import { KEY_TYPES } from '../../../src/pki/keys/algorithms.ts'
import { parseJid } from '../../../src/xmpp/address/jid.ts'
import { account, type Folder, openssl, temporaryFolder, testKeys } from '../support.ts'

const POLICY: SigningPolicy = {
  domain: 'example.org',
  name: undefined,
  acceptRequestedName: true,
  keyTypes: KEY_TYPES,
}
const named = (name: string): SigningPolicy => ({ ...POLICY, name: parseJid(name), acceptRequestedName: false })

let folder: Folder
beforeAll(() => {
  folder = temporaryFolder()
  openssl(folder, 'ecparam', '-name', 'prime256v1', '-genkey', '-noout', '-out', 'ec.key')
})
afterAll(() => folder.remove())

interface Wish {
  readonly subject?: string
  readonly extensions?: string
  readonly key?: readonly string[]
  readonly flags?: readonly string[]
}

/** A request made by openssl. */
function ask({ subject = 'CN=alice', extensions, key = ['-key', 'ec.key'], flags = [] }: Wish): Uint8Array {
  const section = extensions === undefined ? '' : 'req_extensions=ext\n'
  folder.write(
    'req.cnf',
    `[req]\ndistinguished_name=dn\nprompt=no\nutf8=yes\nstring_mask=utf8only\n${section}[dn]\n${subject}\n[ext]\n${extensions ?? ''}\n`,
  )
  openssl(folder, 'req', '-new', '-config', 'req.cnf', ...key, '-out', 'made.csr', ...flags)
  return Buffer.from(folder.read('made.csr'))
}

const judge = (bytes: Uint8Array, policy: SigningPolicy) => judgeCsr(readCsr(bytes, 'made.csr'), policy, 'made.csr')

function refusalOf(bytes: Uint8Array, policy: SigningPolicy): string {
  try {
    judge(bytes, policy)
  } catch (error) {
    if (!(error instanceof XmppkiError)) throw error
    return `${error.code} ${/^made\.csr is refused \((.+?)\)/.exec(error.message)?.[1] ?? error.message}`
  }
  return 'approved'
}

const XMPP_ADDR = 'otherName:1.3.6.1.5.5.7.8.5;UTF8:'

describe('judgeCsr approves', () => {
  it.each(KEY_TYPES)('what client csr makes with a key of type %s', async (type) => {
    const csr = await createCsr({ keys: await testKeys(type), jid: account('alice@example.org') })
    const approved = judge(Buffer.from(csr), POLICY)
    expect(approved.jid.toString()).toBe('alice@example.org')
    expect(approved.algorithm.id).toBe(type)
    expect(approved.notCopied).toEqual([])
  })

  it.each<[string, Wish, SigningPolicy, string, string[]]>([
    ['a username in the CN', {}, POLICY, 'alice@example.org', []],
    ['a JID in the CN', { subject: 'CN=Alice@Example.ORG' }, POLICY, 'alice@example.org', []],
    ['a bare CN at the domain of --name', {}, named('alice@other.example'), 'alice@other.example', []],
    [
      'xmppAddr alone',
      { subject: 'O=x', extensions: `subjectAltName=${XMPP_ADDR}bob@example.org` },
      POLICY,
      'bob@example.org',
      ['O=x'],
    ],
    ['no name but --name', { subject: 'O=x' }, named('bob@example.org'), 'bob@example.org', ['O=x']],
    [
      'a CN that is a text',
      { subject: 'CN=Alice Smith' },
      named('alice@example.org'),
      'alice@example.org',
      ['CN "Alice Smith"'],
    ],
    [
      'names of other kinds, which are not copied',
      { extensions: 'subjectAltName=DNS:a.example,email:a@b.example\nkeyUsage=keyCertSign' },
      POLICY,
      'alice@example.org',
      ['mail address "a@b.example"', 'host "a.example"'],
    ],
    [
      'a signature by RSASSA-PSS, as Windows makes it with AlternateSignatureAlgorithm',
      {
        key: ['-newkey', 'rsa:2048', '-nodes', '-keyout', 'pss.key'],
        flags: ['-sha256', '-sigopt', 'rsa_padding_mode:pss'],
      },
      POLICY,
      'alice@example.org',
      [],
    ],
    [
      'clientAuth among other purposes',
      { extensions: 'extendedKeyUsage=serverAuth,clientAuth' },
      POLICY,
      'alice@example.org',
      [],
    ],
  ])('%s', (_case, wish, policy, jid, notCopied) => {
    const approved = judge(ask(wish), policy)
    expect(approved.jid.toString()).toBe(jid)
    expect(approved.notCopied).toEqual(notCopied)
  })
})

describe('judgeCsr refuses', () => {
  it.each<[string, Wish, SigningPolicy, string]>([
    ['a name that nobody has confirmed', {}, { ...POLICY, acceptRequestedName: false }, 'BAD_NAME unconfirmed-name'],
    ['another name than --name', {}, named('bob@example.org'), 'BAD_NAME other-name'],
    ['no name at all', { subject: 'O=x' }, POLICY, 'BAD_NAME no-name'],
    ['a JID elsewhere', { subject: 'CN=a@other.example' }, POLICY, 'BAD_NAME other-domain'],
    [
      'CN and xmppAddr of two accounts',
      { extensions: `subjectAltName=${XMPP_ADDR}bob@example.org` },
      POLICY,
      'BAD_NAME several-names',
    ],
    ['two CNs', { subject: '1.CN=alice\n2.CN=bob' }, POLICY, 'BAD_NAME several-names'],
    [
      'two CNs although --name is one of them',
      { subject: '1.CN=alice\n2.CN=bob' },
      named('alice@example.org'),
      'BAD_NAME several-names',
    ],
    [
      'an xmppAddr that is a full JID',
      { extensions: `subjectAltName=${XMPP_ADDR}alice@example.org/x` },
      POLICY,
      'BAD_NAME malformed-name',
    ],
    [
      'an xmppAddr that is a domain',
      { extensions: `subjectAltName=${XMPP_ADDR}example.org` },
      POLICY,
      'BAD_NAME malformed-name',
    ],
    [
      'an xmppAddr of another string type',
      { extensions: 'subjectAltName=otherName:1.3.6.1.5.5.7.8.5;IA5:alice@example.org' },
      POLICY,
      'BAD_NAME malformed-name',
    ],
    ['the wish to be a CA', { extensions: 'basicConstraints=CA:TRUE' }, POLICY, 'BAD_INPUT ca'],
    ['the purpose of a server', { extensions: 'extendedKeyUsage=serverAuth' }, POLICY, 'BAD_INPUT purpose'],
    ['a signature with SHA-1', { flags: ['-sha1'] }, POLICY, 'BAD_INPUT signature-algorithm'],
    [
      'a signature by RSASSA-PSS with SHA-1',
      {
        key: ['-newkey', 'rsa:2048', '-nodes', '-keyout', 'pss.key'],
        flags: ['-sha1', '-sigopt', 'rsa_padding_mode:pss'],
      },
      POLICY,
      'BAD_INPUT signature-algorithm',
    ],
    [
      'RSA with 1024 bits',
      { key: ['-newkey', 'rsa:1024', '-nodes', '-keyout', 'w.key'] },
      POLICY,
      'BAD_INPUT key-type',
    ],
    [
      'another curve',
      { key: ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:secp256k1', '-nodes', '-keyout', 'w.key'] },
      POLICY,
      'BAD_INPUT key-type',
    ],
    [
      'a curve with explicit parameters',
      {
        key: ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-keyout', 'w.key'],
        flags: ['-pkeyopt', 'ec_param_enc:explicit'],
      },
      POLICY,
      'BAD_INPUT key-type',
    ],
    // Not `signature-algorithm`: no other signature would help.
    ['Ed448', { key: ['-newkey', 'ed448', '-nodes', '-keyout', 'w.key'] }, POLICY, 'BAD_INPUT key-type'],
    ['a type that --allow-key-type leaves out', {}, { ...POLICY, keyTypes: ['ed25519'] }, 'BAD_INPUT key-type'],
  ])('%s', (_case, wish, policy, expected) => {
    expect(refusalOf(ask(wish), policy)).toBe(expected)
  })

  it('a request for the key of somebody else (RFC 2986 §4.2)', async () => {
    const [mine, theirs] = await Promise.all([testKeys('ec:p256'), testKeys('ec:p256')])
    const csr = await createCsr({ keys: mine, jid: account('alice@example.org') })
    const der = Buffer.from(decodePem(csr, 'CERTIFICATE REQUEST', 'made.csr'))
    const spki = (key: typeof mine) => key.publicKey.export({ type: 'spki', format: 'der' })
    spki(theirs).copy(der, der.indexOf(spki(mine)))
    expect(refusalOf(der, POLICY)).toBe('BAD_INPUT proof-of-possession')
  })

  it('hints that a shell would take apart in the name of a user', () => {
    const csr = ask({ subject: 'CN=\\$(reboot)' })
    expect(() => judge(csr, { ...POLICY, acceptRequestedName: false })).toThrow(
      expect.objectContaining({ hint: expect.stringContaining("--name '$(reboot)@example.org'") }),
    )
  })
})
