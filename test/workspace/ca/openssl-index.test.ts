import { describe, expect, it } from 'vitest'
import { parseOpensslIndex } from '../../../src/workspace/ca/openssl-index.ts'

const parse = (text: string) => parseOpensslIndex(text, 'index.txt')

describe('parseOpensslIndex', () => {
  it('reads valid, revoked and expired lines', () => {
    const text = [
      'V\t290225173526Z\t\tB1188EA71484CD163375C92681E11089\tunknown\t/CN=alice',
      'R\t20510225173526Z\t261123173527Z,keyCompromise\t0A\tcerts/bob.pem\t/C=AU/CN=bob',
      'E\t990225173526Z\t\t00F0\t\t/CN=carol',
      '',
    ].join('\n')
    expect(parse(text)).toEqual([
      {
        serial: 'b1188ea71484cd163375c92681e11089',
        notAfter: new Date('2029-02-25T17:35:26Z'),
        revokedAt: undefined,
        reason: undefined,
        file: undefined,
        subject: '/CN=alice',
      },
      {
        serial: '0a',
        notAfter: new Date('2051-02-25T17:35:26Z'),
        revokedAt: new Date('2026-11-23T17:35:27Z'),
        reason: 'keyCompromise',
        file: 'certs/bob.pem',
        subject: '/C=AU/CN=bob',
      },
      {
        serial: 'f0',
        notAfter: new Date('1999-02-25T17:35:26Z'),
        revokedAt: undefined,
        reason: undefined,
        file: undefined,
        subject: '/CN=carol',
      },
    ])
  })

  it.each([
    ['261123173527Z', undefined],
    ['261123173527Z,unspecified', 'unspecified'],
    ['261123173527Z,CACompromise', 'cACompromise'],
    ['261123173527Z,superseded', 'superseded'],
    ['261123173527Z,holdInstruction,holdInstructionReject', 'certificateHold'],
    ['261123173527Z,keyTime,20260101000000Z', 'keyCompromise'],
    ['261123173527Z,CAkeyTime,20260101000000Z', 'cACompromise'],
  ])('reads the revocation %s (RFC 5280 §5.3.1)', (revocation, reason) => {
    expect(parse(`R\t300101000000Z\t${revocation}\t01\tunknown\t/CN=a\n`)).toMatchObject([{ reason }])
  })

  it.each([
    ['another status', 'X\t300101000000Z\t\t01\tunknown\t/CN=a'],
    ['a revoked line without a date', 'R\t300101000000Z\t\t01\tunknown\t/CN=a'],
    ['an unknown reason', 'R\t300101000000Z\t261123173527Z,bored\t01\tunknown\t/CN=a'],
    ['no date', 'V\tsoon\t\t01\tunknown\t/CN=a'],
    ['a date that does not exist', 'V\t301301000000Z\t\t01\tunknown\t/CN=a'],
    ['no serial number', 'V\t300101000000Z\t\txyz\tunknown\t/CN=a'],
    ['too few columns', 'V\t300101000000Z\t\t01'],
  ])('refuses %s and names the line', (_case, line) => {
    expect(() => parse(`V\t300101000000Z\t\t99\tunknown\t/CN=a\n${line}\n`)).toThrow(/^line 2 of index\.txt is not one/)
  })

  it.each(['-05', '-80aa', '00', 'f'.repeat(80)])('takes the serial number %s, however odd it is', (serial) => {
    expect(parse(`V\t300101000000Z\t\t${serial.toUpperCase()}\tunknown\t/CN=a\n`)).toMatchObject([{ serial }])
  })

  it('refuses a serial number that is there twice', () => {
    const line = (serial: string) => `V\t300101000000Z\t\t${serial}\tunknown\t/CN=a\n`
    expect(() => parse(line('0A') + line('000a'))).toThrow(/^line 2 of index\.txt has the serial number of an earlier/)
  })
})
