import { readCrlFile } from '../../../src/pki/revocation/crl-file.ts'
import { TrustAnchors } from '../../../src/trust/anchors.ts'
import type { CaCertificate } from '../../../src/trust/ca-certificate.ts'
import { isUsable, type LoadedList, loadList, type UnusableList } from '../../../src/trust/loaded-list.ts'
import { RevocationLists } from '../../../src/trust/revocation-lists.ts'

type Crl = string | Uint8Array

/** Each list as it is read for these CAs. @param cas PEM */
export async function readLists(crls: readonly Crl[], cas: readonly string[]): Promise<(LoadedList | UnusableList)[]> {
  const authorities = authoritiesOf(cas)
  const files = await Promise.all(crls.map((crl) => readCrlFile(Buffer.from(crl), 'a CRL')))
  return Promise.all(files.flatMap(({ ders }) => ders.map((der) => loadList(der, 'a CRL', authorities))))
}

/** What can be used of these lists, to be asked. */
export async function revocationLists(
  crls: readonly Crl[],
  cas: readonly string[],
  exempt: readonly string[] = [],
): Promise<RevocationLists> {
  const lists = (await readLists(crls, cas)).filter(isUsable)
  return new RevocationLists(lists, { exempt: new Set(exempt), authorities: authoritiesOf(cas) })
}

export function authoritiesOf(cas: readonly string[]): readonly CaCertificate[] {
  return new TrustAnchors(cas).authorities
}
