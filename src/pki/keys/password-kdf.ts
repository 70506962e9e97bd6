import { hash } from 'node:crypto'
import { setImmediate as breathe } from 'node:timers/promises'
import { bmpOctets } from '../der/der-writer.ts'
import { OID } from '../der/oids.ts'

/** Diversifiers of the key derivation (RFC 7292 appendix B.3). */
const DIVERSIFIERS = { key: 1, iv: 2, mac: 3 } as const

/** The hash functions of the key derivation; `block` is v/8 of RFC 7292 appendix B.2. */
export const PKCS12_HASHES = {
  sha1: { name: 'sha1', oid: OID.sha1, length: 20, block: 64 },
  sha256: { name: 'sha256', oid: OID.sha256, length: 32, block: 64 },
  sha384: { name: 'sha384', oid: OID.sha384, length: 48, block: 128 },
  sha512: { name: 'sha512', oid: OID.sha512, length: 64, block: 128 },
} as const

/** One row of {@link PKCS12_HASHES}. */
export type Pkcs12Hash = (typeof PKCS12_HASHES)[keyof typeof PKCS12_HASHES]

/** Rounds between two turns of the event loop, so that a spinner spins. */
const ROUNDS_PER_TURN = 2500

function repeatTo(octets: Uint8Array, block: number): Buffer {
  return octets.length === 0 ? Buffer.alloc(0) : Buffer.alloc(Math.ceil(octets.length / block) * block, octets)
}

/** I_j = (I_j + B + 1) mod 2^v for every block (RFC 7292 appendix B.2, step 6C). */
function addToBlocks(blocks: Buffer, addend: Buffer): void {
  for (let start = 0; start < blocks.length; start += addend.length) {
    let carry = 1
    for (let at = addend.length - 1; at >= 0; at -= 1) {
      const sum = (blocks[start + at] ?? 0) + (addend[at] ?? 0) + carry
      blocks[start + at] = sum & 0xff
      carry = sum >> 8
    }
  }
}

async function iterateHash(kind: Pkcs12Hash, first: Uint8Array, iterations: number): Promise<Buffer> {
  let digest = hash(kind.name, first, 'buffer')
  for (let round = 1; round < iterations; round += 1) {
    digest = hash(kind.name, digest, 'buffer')
    if (round % ROUNDS_PER_TURN === 0) await breathe()
  }
  return digest
}

/** The key derivation of PKCS #12 (RFC 7292 appendix B.2): `length` octets for the purpose. */
export async function derivePkcs12(
  kind: Pkcs12Hash,
  purpose: keyof typeof DIVERSIFIERS,
  secret: { readonly password: string; readonly salt: Uint8Array; readonly iterations: number },
  length: number,
): Promise<Buffer> {
  const diversifier = Buffer.alloc(kind.block, DIVERSIFIERS[purpose])
  // Appendix B.1: big-endian UTF-16 with a terminating zero character.
  const password = Buffer.concat([bmpOctets(secret.password), Buffer.alloc(2)])
  const blocks = Buffer.concat([repeatTo(secret.salt, kind.block), repeatTo(password, kind.block)])
  const out: Buffer[] = []
  for (let got = 0; got < length; got += kind.length) {
    const digest = await iterateHash(kind, Buffer.concat([diversifier, blocks]), secret.iterations)
    out.push(digest)
    addToBlocks(blocks, repeatTo(digest, kind.block).subarray(0, kind.block))
  }
  return Buffer.concat(out).subarray(0, length)
}
