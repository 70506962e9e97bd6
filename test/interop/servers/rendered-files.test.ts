import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { ConfigRenderResult } from '../../../src/commands/config/render.ts'
import type { Credentials } from '../../support/certificates/certificates.ts'
import { ServeProcess } from '../../support/processes/serve.ts'
import { external, RawClient } from '../../support/streams/xmpp-client.ts'
import { freePort } from '../free-port.ts'
import { LineProcess } from '../line-process.ts'
import { program, programAsync } from '../program.ts'
import { Service } from '../service.ts'
import { adapted } from './peer-servers.ts'

let service: Service
let folder: string
let alice: Credentials
let alicePath: string

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'xmppki-files-'))
  service = await Service.create()
  const files = await service.issue('alice')
  alicePath = files.certificate
  alice = { key: readFileSync(files.key, 'utf8'), cert: readFileSync(files.certificate, 'utf8') }
})
afterAll(async () => {
  await service?.end()
  rmSync(folder, { recursive: true, force: true })
})

async function render(target: string): Promise<string> {
  return (JSON.parse(await service.run('config', 'render', target, '--json')) as ConfigRenderResult).text
}

describe('nginx', () => {
  /** With the logs and the process number in a folder of ours; all else as it is written. */
  const own = (text: string) =>
    adapted(text, [
      ['pid /run/nginx.pid;', `pid ${folder}/nginx.pid;`],
      ['error_log /var/log/nginx/error.log;', 'error_log stderr notice;'],
      ['access_log /var/log/nginx/access.log;', 'access_log off;'],
    ])

  it('takes the configuration', async () => {
    const file = join(folder, 'test.conf')
    writeFileSync(file, own(await render('nginx')))
    const { code, output } = program('/usr/sbin/nginx', ['-t', '-c', file])
    expect(output).toContain('test is successful')
    expect(output).not.toMatch(/\[(warn|error|emerg)\]/)
    expect(code).toBe(0)
  })

  it('passes clients on with their certificates, and publishes CRL and OCSP', async () => {
    await service.run('client', 'issue', 'mallory')
    await service.run('client', 'revoke', 'mallory')
    const serve = new ServeProcess(['--home', service.cli.home, '--http-port', '0'])
    const { tlsPort, httpPort } = await serve.listening()
    const [xmpp, http] = [await freePort(), await freePort()]
    const text = adapted(own(await render('nginx')), [
      ['\t\tlisten 443;\n\t\tlisten [::]:443;\n', `\t\tlisten 127.0.0.1:${xmpp};\n`],
      ['\t\tlisten 80;\n\t\tlisten [::]:80;\n', `\t\tlisten 127.0.0.1:${http};\n`],
      ['server 127.0.0.1:5223;', `server 127.0.0.1:${tlsPort};`],
      ['proxy_pass http://127.0.0.1:8080;', `proxy_pass http://127.0.0.1:${httpPort};`],
    ])
    const file = join(folder, 'nginx.conf')
    writeFileSync(file, text)
    const nginx = new LineProcess('/usr/sbin/nginx', ['-c', file, '-g', 'daemon off;'])
    try {
      await nginx.stderr.take((line) => line.includes('start worker process '), 'a worker')
      const client = await RawClient.direct({ port: xmpp, credentials: alice, tls: { ALPNProtocols: ['xmpp-client'] } })
      await client.open()
      client.send(external())
      expect(await client.receive(/<success|<failure/)).toBe('<success')
      client.destroy()
      // What is not XMPP goes to the web server, which is not there.
      await expect(RawClient.direct({ port: xmpp, tls: { ALPNProtocols: ['http/1.1'] } })).rejects.toThrow()

      const base = `http://127.0.0.1:${http}`
      const crl = await fetch(`${base}/root.crl`)
      expect(crl.headers.get('content-type')).toBe('application/pkix-crl')
      writeFileSync(join(folder, 'root.crl'), Buffer.from(await crl.arrayBuffer()))
      const verified = await programAsync('openssl', [
        ...[
          'verify',
          '-crl_check',
          '-CAfile',
          service.rootCertificate,
          '-CRLfile',
          join(folder, 'root.crl'),
          alicePath,
        ],
      ])
      expect(verified.output).toContain(': OK')
      const asked = ['-issuer', service.rootCertificate, '-cert', alicePath, '-CAfile', service.rootCertificate]
      const ocsp = await programAsync('openssl', ['ocsp', '-url', `${base}/ocsp`, ...asked])
      expect(ocsp.output).toContain(': good')
      expect((await fetch(`${base}/root.crl`, { method: 'DELETE' })).status).toBe(403)
    } finally {
      await nginx.stop('SIGQUIT')
      await serve.stop()
    }
  })
})

describe('systemd', () => {
  let unit: string
  beforeAll(async () => {
    mkdirSync(join(folder, 'units'))
    unit = join(folder, 'units', 'xmppki.service')
    writeFileSync(unit, await render('systemd'))
  })

  it('has nothing to complain about the unit', () => {
    const { code, output } = program('systemd-analyze', ['verify', '--man=no', unit])
    expect(output).toBe('')
    expect(code).toBe(0)
  })

  it('finds it well locked in: exposure 2.0 of 10 at most', () => {
    const args = ['security', '--offline=yes', '--threshold=20', '--no-pager', unit]
    const { code, output } = program('systemd-analyze', args)
    expect(code, output).toBe(0)
  })

  it('starts what serves, with a file for the passphrase', async () => {
    const [line = ''] = readFileSync(unit, 'utf8').match(/(?<=^ExecStart=).*/m) ?? []
    writeFileSync(join(folder, 'ca-passphrase'), 'not needed\n', { mode: 0o600 })
    writeFileSync(join(folder, 'xmppki.toml'), '')
    const [program = '', ...args] = adapted(line, [
      ['/var/lib/xmppki', service.cli.home],
      ['/etc/xmppki/xmppki.toml', join(folder, 'xmppki.toml')],
      ['%d', folder],
      ['--host ::', '--host 127.0.0.1'],
    ]).split(' ')
    const serve = new LineProcess(program, [...args, '--port', '0', '--json'], { env: {} })
    await serve.take('stdout', { event: 'listening' })
    expect(await serve.stop('SIGTERM')).toEqual({ code: 0, signal: null })
  })
})
