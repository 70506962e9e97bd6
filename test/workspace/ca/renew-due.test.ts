import { renameSync } from 'node:fs'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { signerId } from '../../../src/workspace/base/authority.ts'
import { readOcspSigner } from '../../../src/workspace/ca/ocsp-signer.ts'
import { publishCrls } from '../../../src/workspace/ca/publish-crl.ts'
import { renewDue } from '../../../src/workspace/ca/renew-due.ts'
import { CaFolder } from '../support.ts'

const DAY_MS = 86_400_000
// Certificates and CRLs know whole seconds.
const START = new Date(Math.floor(Date.now() / 1000) * 1000)
const inDays = (days: number) => new Date(START.getTime() + days * DAY_MS)

let ca: CaFolder
beforeEach(async () => {
  ca = await new CaFolder().init()
})
afterEach(() => ca.remove())

const source = () => ca.workspace.issuerSource(() => Promise.reject(new Error('nobody should ask')))
const makeCrl = (days: number) =>
  publishCrls(
    ca.workspace,
    { of: [signerId(ca.workspace.root())], issuer: source(), days, now: START },
    () => undefined,
  )
const keep = async (days: number, publishing = false) => {
  const steps = await renewDue(ca.workspace, { issuer: source(), publishing, now: inDays(days) })
  return steps.map(({ what, end, error }) => ({ what, end, code: error?.code }))
}

describe('renewDue', () => {
  it('makes no CRL where nobody ever wanted one', async () => {
    expect(await keep(0)).toEqual([])
  })

  it('renews a CRL when a third of its time is left, for as long as before', async () => {
    await makeCrl(30)
    expect(await keep(19)).toEqual([])
    expect(await keep(21)).toEqual([{ what: 'crl', end: inDays(30), code: undefined }])
    expect(await keep(40)).toEqual([])
    expect(await keep(42)).toEqual([{ what: 'crl', end: expect.any(Date), code: undefined }])
  })

  it('renews one that has gone stale', async () => {
    await makeCrl(7)
    expect(await keep(100)).toMatchObject([{ what: 'crl', code: undefined }])
  })

  it('says that a CRL will end when the key is away, every time', async () => {
    await makeCrl(30)
    renameSync(ca.workspace.paths.rootKey, ca.path('away'))
    const step = { what: 'crl', end: inDays(30), code: 'NOT_FOUND' }
    expect([await keep(25), await keep(26)]).toEqual([[step], [step]])
  })

  it('where it is published makes what is missing: CRL and OCSP certificate, and renews them', async () => {
    expect(await keep(0, true)).toEqual([
      { what: 'crl', end: undefined, code: undefined },
      { what: 'ocsp', end: undefined, code: undefined },
    ])
    const signer = () => readOcspSigner(ca.workspace, ca.workspace.root())
    const first = signer()
    expect(await keep(19, true)).toEqual([])
    expect(signer()?.notAfter).toEqual(first?.notAfter)
    expect(await keep(21, true)).toHaveLength(2)
    expect(Number(signer()?.notAfter)).toBeGreaterThan(Number(first?.notAfter))
    expect(ca.workspace.ledger().list('ocsp')).toHaveLength(2)
  })

  it('leaves alone a CA that has ended', async () => {
    await makeCrl(30)
    expect(await keep(3_700, true)).toEqual([])
  })
})
