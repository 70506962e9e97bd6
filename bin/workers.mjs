// What the program is built of besides the bundles of its command line, and how: for the build and for tests.
// `serve` has no bundle of its own: that would start no sooner, and spare it 4 of 69 MB.

/** Programs of worker threads by the name of their file in dist/, each beside whoever starts it (src/store/sqlite/worker-file.ts). */
export const WORKERS = { 'user-data-writer': 'src/store/sqlite/user-data-writer.ts' }

/** How every bundle is made; paths are relative to the folder of package.json. */
export const COMMON = {
  bundle: true,
  platform: 'node',
  target: 'node20.19',
  format: 'cjs',
  // Native addons and what ships prebuilt binaries stay outside the bundles, and what only some users install.
  external: ['@photostructure/sqlite', 'node-webcrypto-p11'],
  // A CommonJS module has another name for its own folder.
  define: { 'import.meta.dirname': '__dirname' },
}
