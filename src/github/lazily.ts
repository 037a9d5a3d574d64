/** Makes something on first use, once; everybody who asks meanwhile waits for the same one. */
export function lazily<T>(make: () => Promise<T>): () => Promise<T> {
  let made: Promise<T> | undefined
  return () => (made ??= make())
}
