import { cpSync } from 'node:fs'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { checkConfiguration } from '../../../src/config/load.ts'
import { keyAlgorithm } from '../../../src/pki/keys/algorithms.ts'
import { watchedFiles } from '../../../src/service/reload/watched-files.ts'
import type { IssuedKind } from '../../../src/store/ledger.ts'
import { initIssuing } from '../../../src/workspace/ca/init-issuing.ts'
import { issueServer } from '../../../src/workspace/servers/issue-server.ts'
import { CaFolder } from '../../workspace/support.ts'

const algorithm = keyAlgorithm('ec:p256')

let made: CaFolder
let seen: CaFolder
beforeEach(async () => {
  made = await new CaFolder().init()
  seen = await new CaFolder().init()
})
afterEach(() => {
  made.remove()
  seen.remove()
})

function files(): string[] {
  const source = { file: undefined, home: undefined, overrides: [], defaultHost: 'localhost' }
  const { configuration } = checkConfiguration('', source)
  if (configuration === undefined) throw new Error('no configuration')
  return watchedFiles(seen.workspace, configuration, undefined)
}

const MAKERS: Readonly<Record<'issuing' | 'server', () => Promise<unknown>>> = {
  issuing: () =>
    initIssuing(made.workspace, {
      ...{ commonName: 'Issuing', algorithm, days: 1825, issuer: async () => made.issuer() },
      ...{ passphrase: async () => undefined, ifMissing: false, replace: false },
    }),
  server: () =>
    issueServer(made.workspace, {
      ...{ domains: ['localhost'], algorithm, days: 90, ifMissing: false, issuer: made.issuer },
    }),
}

describe('watchedFiles', () => {
  // Another process renames the folder into its place, and commits the row a moment later.
  it.each(Object.keys(MAKERS) as IssuedKind[])(
    'are others once the ledger has what was there already: %s',
    async (kind) => {
      await MAKERS[kind as keyof typeof MAKERS]()
      const [record] = made.workspace.ledger().list(kind)
      if (record === undefined) throw new Error('nothing was made')
      const directory = record.directory.replace(made.home, seen.home)
      cpSync(record.directory, directory, { recursive: true })
      const before = files()
      seen.workspace.ledger().transaction((insert) => insert({ ...record, directory }))
      const after = files()
      expect(after).not.toEqual(before)
      expect(new Set(after)).toEqual(new Set(before))
      expect(files()).toEqual(after)
    },
  )
})
