// Certificates that strangers might come with, made by openssl: nobody has to be asked for a signature.
import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/** Names with so many bytes together, as openssl writes them. */
function names(bytes) {
  const count = Math.floor(bytes / 20)
  const list = Array.from({ length: count }, (_, n) => `DNS:h${String(n).padStart(5, '0')}.example.org`)
  return `subjectAltName=${list.join(',')}`
}

const CA = 'basicConstraints=critical,CA:TRUE\nkeyUsage=critical,keyCertSign'

/** A CA of a stranger, in a folder that goes when the benchmarks are over. */
class Stranger {
  #folder = mkdtempSync(join(tmpdir(), 'xmppki-hostile-'))
  #count = 0

  constructor() {
    process.once('exit', () => rmSync(this.#folder, { recursive: true, force: true }))
  }

  /** @param issuer self-signed without */
  make(subject, extensions, issuer) {
    const id = `c${this.#count++}`
    const path = (suffix, name = id) => join(this.#folder, `${name}.${suffix}`)
    const run = (...args) => execFileSync('openssl', args, { stdio: 'pipe' })
    run('ecparam', '-name', 'prime256v1', '-genkey', '-noout', '-out', path('key'))
    run('req', '-new', '-utf8', '-key', path('key'), '-subj', subject, '-out', path('csr'))
    writeFileSync(path('ext'), extensions)
    const by =
      issuer === undefined
        ? ['-signkey', path('key')]
        : ['-CA', path('crt', issuer.id), '-CAkey', path('key', issuer.id), '-CAcreateserial']
    run('x509', '-req', '-in', path('csr'), ...by, '-days', '30', '-extfile', path('ext'), '-out', path('crt'))
    const [key, own] = [readFileSync(path('key'), 'utf8'), readFileSync(path('crt'), 'utf8')]
    return { id, key, own, cert: own + (issuer?.cert ?? '') }
  }

  /** Below so many CAs with so many bytes of names each. */
  tower(height, bytes) {
    let issuer
    for (let n = 0; n < height; n++) issuer = this.make(`/CN=Level ${n}`, `${CA}\n${names(bytes)}`, issuer)
    return this.make('/CN=alice', '', issuer)
  }

  /** With so many CAs that have the name of the issuer, none of which has signed it. */
  namesakes(count) {
    const issuer = this.make('/CN=Twin', CA)
    const leaf = this.make('/CN=alice', '', issuer)
    const others = Array.from({ length: count }, () => this.make('/CN=Twin', CA).own)
    return { ...leaf, cert: leaf.own + others.join('') }
  }
}

/** A CA that somebody else runs, and one of its clients. */
export function partnerCa() {
  const partner = new Stranger()
  const ca = partner.make('/CN=Partner CA', `${CA},cRLSign`)
  const { key, own } = partner.make('/CN=partner', 'extendedKeyUsage=clientAuth', ca)
  return { ca, client: { key, cert: own } }
}

/** What a stranger comes with, by what it is called in the output. */
export function hostileCertificates() {
  const stranger = new Stranger()
  const issuer = stranger.make('/CN=Stranger CA', CA)
  const fat = (bytes) => stranger.make('/CN=alice', names(bytes), issuer)
  const alone = (made) => ({ key: made.key, cert: made.own })
  const names400 = Array.from({ length: 400 }, (_, n) => `/OU=unit ${n}`).join('')
  return {
    'a small one of an unknown CA': alone(stranger.make('/CN=alice', '', issuer)),
    '15 KB of names': alone(fat(13_500)),
    '60 KB of names': alone(fat(54_000)),
    '98 KB of names': alone(fat(88_000)),
    'a subject of 400 names': alone(stranger.make(`${names400}/CN=alice`, '', issuer)),
    'a chain of 8 CAs': stranger.tower(8, 200),
    'a chain of 4 CAs, 13 KB each': stranger.tower(4, 12_000),
    'a chain of 6 CAs, 13 KB each': stranger.tower(6, 12_000),
    '8 CAs of the same name': stranger.namesakes(8),
  }
}
