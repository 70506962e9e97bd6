import { readdirSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'
import { ClientGuides, type ClientSetup, setupOnPaper } from '../../src/cli/client-guides.ts'
import { CLIENTS } from '../../src/render/client-facts.ts'
import { guideHtml } from '../../src/render/guide-html.ts'
import { guideMarkdown } from '../../src/render/guide-markdown.ts'
import { guideText } from '../../src/render/guide-text.ts'
import { parseJid } from '../../src/xmpp/address/jid.ts'

const root = fileURLToPath(new URL('../..', import.meta.url))
const guides = new ClientGuides(root)
const golden = (name: string) => fileURLToPath(new URL(`../golden/clients/${name}`, import.meta.url))

const FOLDER = '/home/op/pki/clients/example.org/alice@phone'

const setup: ClientSetup = {
  jid: parseJid('alice@example.org'),
  device: 'phone',
  address: { host: 'xmpp.example.org', port: 5222 },
  ca: '/home/op/pki/ca/root.crt',
  files: {
    certificate: `${FOLDER}/alice.crt`,
    key: `${FOLDER}/alice.key`,
    p12: `${FOLDER}/alice.p12`,
    passwordFile: `${FOLDER}/alice.p12.password`,
    password: undefined,
    compat: `${FOLDER}/alice.compat.p12`,
  },
}

/** What is least: DNS knows the server, the main device, no password anywhere. */
const least: ClientSetup = {
  ...setup,
  device: '',
  address: undefined,
  files: setup.files && { ...setup.files, passwordFile: undefined },
}

const sheetOf = (given: ClientSetup, password: string | undefined) =>
  guides.sheet({
    jid: given.jid.toString(),
    address: given.address,
    certificate: {
      device: given.device,
      notAfter: new Date('2028-04-06T12:00:00Z'),
      bundle: 'alice.p12',
      directory: FOLDER,
      password,
    },
    caFingerprint: '0123456789abcdef'.repeat(4),
    guides: guides.allGuides(setupOnPaper(given)),
  })

describe.each(CLIENTS)('the guide of $id', (client) => {
  const guide = guides.guide(client, setup)

  it.each([
    ['txt', guideText],
    ['md', guideMarkdown],
    ['html', guideHtml],
  ] as const)('is as before: %s', async (ending, write) => {
    await expect(write(guide)).toMatchFileSnapshot(golden(`${client.id}.${ending}`))
  })

  it('is as before where less is known', async () => {
    await expect(guideText(guides.guide(client, least))).toMatchFileSnapshot(golden(`${client.id}.least.txt`))
  })

  it('says in its first sentence when a certificate is of no use', () => {
    const text = guideText(guide)
    expect(/cannot present a client certificate/.test(text)).toBe(client.credentials === 'password')
  })
})

describe('the templates of guides', () => {
  it('are those of the clients, and what they share', () => {
    const names = readdirSync(`${root}templates/clients`).filter((name) => name.endsWith('.md'))
    expect(names.sort()).toEqual([...CLIENTS.map(({ id }) => `${id}.md`), 'password.md'].sort())
  })

  it('ask for every value that they are given', () => {
    const texts = CLIENTS.map(({ id }) => readFileSync(`${root}templates/clients/${id}.md`, 'utf8')).join()
    const { files, onPaper: _, address: __, ca: ___, ...others } = setup
    const names = [...Object.keys(others), ...Object.keys(files ?? {}), 'local', 'domain', 'host', 'port', 'caFile']
    expect(names.filter((name) => !texts.includes(`{{${name}}}`))).toEqual([])
  })
})

describe('the welcome sheet', () => {
  it('is as before', async () => {
    await expect(sheetOf(setup, undefined)).toMatchFileSnapshot(golden('sheet.html'))
  })

  it('is as before with the password', async () => {
    await expect(sheetOf(least, 'paju88ge63ir9bnrnfsu')).toMatchFileSnapshot(golden('sheet.password.html'))
  })

  it('is whole in itself: no script, nothing to load', () => {
    expect(sheetOf(setup, undefined)).not.toMatch(/<script|<link|<img|url\(|@import|https?:/)
  })

  it('names no place of the machine but the folder of the bundle', () => {
    expect(sheetOf(setup, undefined).replaceAll(FOLDER, '')).not.toContain('/home/op')
  })

  it('escapes everything', () => {
    const html = sheetOf({ ...setup, jid: parseJid('$(x)[y]`z@example.org') }, '<b>&"\'')
    expect(html).toContain('<code>&lt;b&gt;&amp;&quot;&#39;</code>')
    expect(html).toContain('set loginconf(user) &quot;\\$(x)\\[y\\]`z&quot;')
  })
})
