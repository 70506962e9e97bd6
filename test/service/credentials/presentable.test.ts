import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { XmppkiError } from '../../../src/errors.ts'
import { assertPresentable } from '../../../src/service/credentials/presentable.ts'
import { type Folder, openssl, temporaryFolder } from '../../pki/support.ts'

let folder: Folder

beforeAll(() => {
  folder = temporaryFolder()
  issue('ca', undefined, [], ['-addext', 'keyUsage=critical,keyCertSign'])
  issue('ca-sha1', undefined, ['-sha1'])
  issue('int-sha1', 'ca', ['-sha1'])
})

afterAll(() => folder.remove())

const P256 = ['EC', '-pkeyopt', 'ec_paramgen_curve:P-256']

/** A key and a certificate for it, by itself or by the CA of that name. */
function issue(name: string, by: string | undefined, hash: string[] = [], more: string[] = [], key = P256): void {
  openssl(folder, 'genpkey', '-algorithm', ...key, '-out', `${name}.key`)
  const subject = ['-key', `${name}.key`, '-subj', `/CN=${name}`]
  if (by === undefined) {
    openssl(folder, 'req', '-x509', '-new', ...subject, ...hash, ...more, '-days', '30', '-out', `${name}.crt`)
    return
  }
  openssl(folder, 'req', '-new', ...subject, '-out', 'one.csr')
  const signer = ['-CA', `${by}.crt`, '-CAkey', `${by}.key`, '-set_serial', '7', ...hash]
  openssl(folder, 'x509', '-req', '-in', 'one.csr', ...signer, '-days', '30', '-out', `${name}.crt`)
}

/** What is said about a chain, and whether it keeps the server from starting. */
function outcome(key: string, names: readonly string[], ciphers?: string) {
  const chain = names.map((name) => folder.read(`${name}.crt`)).join('')
  const place = { certfile: 'srv.crt', keyfile: 'srv.key', ciphers, hint: 'a hint' }
  const said: string[] = []
  try {
    assertPresentable({ key: folder.read(`${key}.key`), chain }, place, (text) => said.push(text))
    return { refused: false, said }
  } catch (error) {
    if (!(error instanceof XmppkiError)) throw error
    expect(error).toMatchObject({ code: 'BAD_INPUT', hint: 'a hint' })
    return { refused: true, said: [error.message] }
  }
}

describe('a server certificate', () => {
  it('is presented without a word when all is well, whatever its root has signed itself with', () => {
    issue('good', 'ca')
    expect(outcome('good', ['good', 'ca'])).toEqual({ refused: false, said: [] })
    issue('old-root', 'ca-sha1')
    expect(outcome('old-root', ['old-root', 'ca-sha1'])).toEqual({ refused: false, said: [] })
  })

  it('is refused with the key of another', () => {
    issue('one', 'ca')
    issue('two', 'ca')
    expect(outcome('two', ['one'])).toEqual({
      refused: true,
      said: ['the key in srv.key is not that of the certificate in srv.crt'],
    })
  })

  // What OpenSSL refuses to present, and what it leaves to the clients, differs between the versions of Node.
  it.each<[what: string, make: () => readonly string[], said: string]>([
    [
      'SHA-1',
      () => {
        issue('weak', 'ca', ['-sha1'])
        return ['weak']
      },
      'the certificate in srv.crt is signed with SHA-1',
    ],
    [
      'a CA signed with SHA-1',
      () => {
        issue('weak', 'int-sha1')
        return ['weak', 'int-sha1']
      },
      'the certificate of the CA CN=int-sha1 in srv.crt is signed with SHA-1',
    ],
    [
      'a short key',
      () => {
        issue('weak', 'ca', [], [], ['RSA', '-pkeyopt', 'rsa_keygen_bits:1024'])
        return ['weak']
      },
      'the certificate in srv.crt has an RSA key of 1024 bits, fewer than 2048',
    ],
    [
      'an unusual curve',
      () => {
        issue('weak', 'ca', [], [], ['EC', '-pkeyopt', 'ec_paramgen_curve:brainpoolP256r1'])
        return ['weak']
      },
      'the certificate in srv.crt has an elliptic curve key on brainpoolP256r1, which TLS does not accept',
    ],
  ])('is refused, or presented with a warning, for %s', (_, make, text) => {
    const { refused, said } = outcome('weak', make())
    expect(said).toEqual([refused ? text : `${text}: clients may refuse it`])
  })

  it('may be as weak as the ciphers of a listener allow', () => {
    issue('weak', 'ca', ['-sha1'])
    expect(outcome('weak', ['weak'], 'DEFAULT@SECLEVEL=0')).toEqual({
      refused: false,
      said: ['the certificate in srv.crt is signed with SHA-1: clients may refuse it'],
    })
  })

  it('is not to blame for ciphers that nobody knows', () => {
    issue('good', 'ca')
    expect(outcome('good', ['good'], 'NO-SUCH-CIPHER')).toEqual({ refused: false, said: [] })
  })

  it('is refused in the words of OpenSSL when nothing else is known', () => {
    issue('good', 'ca')
    const place = { certfile: 'srv.crt', keyfile: 'srv.key', ciphers: undefined, hint: 'a hint' }
    const damaged = { key: 'no key', chain: folder.read('good.crt') }
    expect(() => assertPresentable(damaged, place, () => undefined)).toThrow(
      /^TLS cannot use the certificate in srv.crt/,
    )
  })
})
