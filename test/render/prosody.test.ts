import { describe, expect, it } from 'vitest'
import { PROSODY_MODULE, renderProsody } from '../../src/render/prosody.ts'
import { golden, readTemplate, serverRequest } from '../support/documents/rendered.ts'

describe('the configuration of Prosody', () => {
  it.each([
    ['pki', false],
    ['rdbms-pki', true],
  ])('%s is as it was', async (name, passwords) => {
    const text = renderProsody(serverRequest({}, passwords), '/etc/prosody', readTemplate)
    await expect(text).toMatchFileSnapshot(golden(`prosody-${name}.cfg.lua`))
  })

  it('names every CRL, or none', () => {
    const crls = (paths: readonly string[]) =>
      /^xmppki_crls = .*$/m.exec(renderProsody(serverRequest({ crls: paths }), '/', readTemplate))?.[0]
    expect(crls([])).toBe('xmppki_crls = {  }')
    expect(crls(['/a.crl', '/b "c".crl'])).toBe('xmppki_crls = { "/a.crl", "/b \\"c\\".crl" }')
  })

  it('has its module among the templates', () => {
    expect(readTemplate(PROSODY_MODULE).text).toContain('module:provides("auth", provider)')
  })
})
