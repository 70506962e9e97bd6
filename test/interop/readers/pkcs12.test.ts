import { writeFileSync } from 'node:fs'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { program } from '../program.ts'
import { Service } from '../service.ts'
import { issueBundle, OPENSSL, WRONG_PASSWORD } from './pkcs12-readers.ts'

describe('PKCS#12 bundles', () => {
  let service: Service
  beforeAll(async () => {
    service = await Service.create('--cn', 'Reader CA')
  })
  afterAll(() => service?.end())

  it.each([
    ['modern', /PBES2, PBKDF2, AES-256-CBC, Iteration \d+, PRF hmacWithSHA256/],
    ['compat', /pbeWithSHA1And3-KeyTripleDES-CBC, /],
  ] as const)(
    'are encrypted as %s says, and OpenSSL opens them with their password alone',
    async (format, encryption) => {
      const bundle = await issueBundle(service, { name: format, keyType: 'ec:p256', format })
      const { friendlyName, file, passwordFile } = bundle
      const opening = await OPENSSL.open(bundle)
      expect(opening, opening.refusal).toEqual({ key: true, certificates: true, friendlyName })
      const { output } = program('openssl', [
        'pkcs12',
        '-info',
        '-noout',
        '-in',
        file,
        '-passin',
        `file:${passwordFile}`,
      ])
      expect(output).toMatch(encryption)
      const wrong = service.cli.path('wrong')
      writeFileSync(wrong, 'wrong\n')
      expect((await OPENSSL.open({ ...bundle, passwordFile: wrong })).refusal).toMatch(WRONG_PASSWORD)
    },
  )
})
