import { beforeAll, describe, expect, it } from 'vitest'
import type { Issuer } from '../../../src/pki/issue/issuer.ts'
import { signStructure } from '../../../src/pki/keys/signature.ts'
import { isCrlAsAsked } from '../../../src/pki/revocation/crl-as-asked.ts'
import { type CrlContent, tbsCertList } from '../../../src/pki/revocation/tbs-cert-list.ts'
import { NOW, testRoot } from '../support.ts'

let issuer: Issuer
let content: CrlContent
beforeAll(async () => {
  issuer = await testRoot()
  content = {
    issuer,
    entries: [
      { serial: '-81', revokedAt: NOW },
      { serial: '0a', revokedAt: new Date(NOW.getTime() + 999), reason: 'unspecified' },
      { serial: '80', revokedAt: NOW, reason: 'keyCompromise' },
    ],
    number: 7n,
    thisUpdate: new Date(NOW.getTime() + 500),
    nextUpdate: new Date('2050-01-01T00:00:00Z'),
  }
})

/** Whether what is written is found to be what is asked for. */
async function agrees(written: CrlContent, asked: CrlContent): Promise<boolean> {
  return isCrlAsAsked(await signStructure(await tbsCertList(written), written.issuer.key), asked)
}

describe('isCrlAsAsked', () => {
  it('is true of what was asked for', async () => {
    expect(await agrees(content, content)).toBe(true)
    const empty = { ...content, entries: [] }
    expect(await agrees(empty, empty)).toBe(true)
  })

  it.each<[string, () => Partial<CrlContent> | Promise<Partial<CrlContent>>]>([
    ['number', () => ({ number: 8n })],
    ['date', () => ({ thisUpdate: new Date(NOW.getTime() + 1000) })],
    ['next date', () => ({ nextUpdate: new Date('2050-01-01T00:00:01Z') })],
    ['signer of the same name', async () => ({ issuer: await testRoot() })],
    ['name', () => ({ issuer: { ...issuer, name: Uint8Array.of(0x30, 0) } })],
    ['entry less', () => ({ entries: content.entries.slice(1) })],
    ['entry more', () => ({ entries: [...content.entries, { serial: '0100', revokedAt: NOW }] })],
    ['serial number', () => ({ entries: content.entries.map((entry) => ({ ...entry, serial: '0b' })) })],
    ['time of revocation', () => ({ entries: content.entries.map((entry) => ({ ...entry, revokedAt: new Date(0) })) })],
    ['reason', () => ({ entries: content.entries.map((entry) => ({ ...entry, reason: 'superseded' as const })) })],
  ])('notices another %s', async (_, change) => {
    expect(await agrees({ ...content, ...(await change()) }, content)).toBe(false)
  })
})
