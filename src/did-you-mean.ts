/** The candidate that goes on where the text ends, else the one that needs the fewest edits, if it is close enough. */
export function didYouMean(text: string, candidates: readonly string[]): string | undefined {
  // Before all others: `--no-passphrase` is never what `--passphrase` meant.
  const longer = candidates.find((candidate) => candidate.startsWith(`${text}-`))
  if (longer !== undefined) return longer
  let best: string | undefined
  // As many slips as half of the letters make another word.
  let limit = Math.min(3, Math.floor(text.length / 2)) + 1
  for (const candidate of candidates) {
    const distance = editDistance(text, candidate)
    if (distance < limit) {
      limit = distance
      best = candidate
    }
  }
  return best
}

/** Levenshtein distance. */
function editDistance(a: string, b: string): number {
  let previous = Array.from({ length: b.length + 1 }, (_, index) => index)
  for (let i = 1; i <= a.length; i++) {
    const row = [i]
    for (let j = 1; j <= b.length; j++) {
      const substitution = (previous[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1)
      row.push(Math.min(substitution, (previous[j] ?? 0) + 1, (row[j - 1] ?? 0) + 1))
    }
    previous = row
  }
  return previous[b.length] ?? 0
}
