import { readFile } from 'node:fs/promises'
import { XmppkiError } from '../../errors.ts'
import { pemBlocks } from '../../pki/der/pem.ts'
import { readCrlFile } from '../../pki/revocation/crl-file.ts'
import { authorityFindings, type TrustFinding } from '../../trust/authority-findings.ts'
import type { CaCertificate } from '../../trust/ca-certificate.ts'
import { describeList, gapFindings, listFindings } from '../../trust/list-findings.ts'
import { isUsable, type LoadedList, loadList, type UnusableList } from '../../trust/loaded-list.ts'
import { RevocationLists } from '../../trust/revocation-lists.ts'
import { readAuthority } from '../../workspace/base/authority.ts'
import { WorkspacePaths } from '../../workspace/base/paths.ts'
import { type ListenerCas, readListenerCas, type TrustSettings } from '../trust/listener-trust.ts'

/** What a look at the CAs and CRLs of a listener has found. */
export interface TrustReport {
  /** About the files of `cacertfile`. */
  readonly authorities: readonly TrustFinding[]
  /** About CRLs, wherever they are. */
  readonly lists: readonly TrustFinding[]
  /** What there is, for people. */
  readonly covered: readonly string[]
}

/** PEM of the CAs of a workspace, as far as there are any. */
export function ownCas(home: string): string[] {
  const { ca, issuing } = new WorkspacePaths(home)
  const found = [readAuthority(ca, 'root'), readAuthority(issuing, 'issuing')]
  return found.flatMap((authority) => (authority === undefined ? [] : [authority.pem]))
}

/**
 * Looks into the files of `cacertfile` and `crl_files`, as `serve` does.
 * @throws {XmppkiError} NOT_FOUND, BAD_INPUT, IO what would keep `serve` from starting
 */
export async function examineTrust(own: readonly string[], settings: TrustSettings, now: Date): Promise<TrustReport> {
  const cas = await readListenerCas(own, settings)
  const mine = new Set(cas.ours.authorities.map(({ facts }) => facts.fingerprint))
  const others = cas.all.authorities.filter(({ facts }) => !mine.has(facts.fingerprint))
  const lists = await readLists(cas)
  const usable = lists.filter(isUsable)
  const found = lists.flatMap((list) => listFindings(list, now))
  const all = new RevocationLists(usable, { exempt: mine, authorities: cas.all.authorities })
  // What has been said about the lists of a CA need not be said again about the CA.
  const faulty = new Set(lists.filter((list) => listFindings(list, now).length > 0).map(nameOf))
  const silent = others.filter(({ facts }) => !faulty.has(facts.subject))
  return {
    authorities: [
      ...(await keyFindings(settings.cacertfile)),
      ...others.flatMap((authority) => authorityFindings(authority, cas.all.authorities, now)),
    ],
    lists: [...found, ...gapFindings(all, silent, settings.crl_mode, now)],
    covered: usable.map(describeList),
  }
}

function nameOf(list: LoadedList | UnusableList): string | undefined {
  return isUsable(list) ? list.crl.issuer : list.issuer
}

async function keyFindings(paths: readonly string[]): Promise<TrustFinding[]> {
  const findings: TrustFinding[] = []
  for (const path of paths) {
    const blocks = pemBlocks(await readFile(path, 'latin1'))
    if (!blocks.some(({ label }) => label.endsWith('PRIVATE KEY'))) continue
    const text = `${path} holds a private key: whoever reads it can make certificates for every user`
    findings.push({ text, fix: 'take the key out of the file; the certificates of the CAs are enough' })
  }
  return findings
}

async function readLists({ all, crlFiles }: ListenerCas): Promise<(LoadedList | UnusableList)[]> {
  const lists: (LoadedList | UnusableList)[] = []
  for (const path of new Set(crlFiles)) lists.push(...(await readListFile(path, all.authorities)))
  return lists
}

async function readListFile(path: string, authorities: readonly CaCertificate[]) {
  const broken = (reason: string): UnusableList => ({ source: path, issuer: undefined, reason })
  try {
    const { ders, faults } = await readCrlFile(await readFile(path), path)
    const lists: (LoadedList | UnusableList)[] = faults.map(broken)
    for (const der of ders) lists.push(await loadList(der, path, authorities))
    return lists
  } catch (error) {
    const isKnown = error instanceof XmppkiError || (error instanceof Error && 'code' in error)
    if (!isKnown) throw error
    return [broken(error.message)]
  }
}
