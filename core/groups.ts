// Lists by a key: what a Map of lists needs and has not. Order is that of arrival, of groups as within them. Pure.

export function addTo<Key, Value>(groups: Map<Key, Value[]>, key: Key, value: Value): void {
  const group = groups.get(key)
  if (group === undefined) groups.set(key, [value])
  else group.push(value)
}

export function groupBy<Key, Value>(values: Iterable<Value>, readKey: (value: Value) => Key): Map<Key, Value[]> {
  const groups = new Map<Key, Value[]>()
  for (const value of values) addTo(groups, readKey(value), value)
  return groups
}
