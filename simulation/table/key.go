package table

// The keys of the service's table and of its index. The index holds the keys of
// the items that have both of its attributes. They are spelled out because
// package store, whose tests run on this table, cannot be imported.
const (
	partitionAttribute = "PK" // S
	sortAttribute      = "SK" // S

	indexName               = "open"
	indexPartitionAttribute = "openShard"   // S
	indexSortAttribute      = "nextCheckAt" // N

	expiresAtAttribute = "expiresAt"
)

// Key identifies one item.
type Key struct{ PK, SK string }

// readKey returns the two parts of a key in a request.
func readKey(key item) (pk, sk string, err error) {
	p, ok := key[partitionAttribute].(*stringValue)
	s, also := key[sortAttribute].(*stringValue)
	if !ok || !also || len(key) != 2 {
		return "", "", invalid("The provided key element does not match the schema")
	}
	return p.Value, s.Value, checkKeySizes(p.Value, s.Value)
}

// itemKey returns the two parts of the key in an item.
func itemKey(it item) (pk, sk string, err error) {
	var parts [2]string
	for i, name := range []string{partitionAttribute, sortAttribute} {
		v, found := it[name]
		if !found {
			return "", "", invalid("One or more parameter values were invalid: Missing the key %s in the item", name)
		}
		s, ok := v.(*stringValue)
		if !ok {
			return "", "", invalid("One or more parameter values were invalid: Type mismatch for key %s expected: S actual: %s", name, kind(v))
		}
		parts[i] = s.Value
	}
	return parts[0], parts[1], checkKeySizes(parts[0], parts[1])
}

func checkKeySizes(pk, sk string) error {
	switch {
	case pk == "":
		return invalid("One or more parameter values are not valid. The AttributeValue for a key attribute cannot contain an empty string value. Key: %s", partitionAttribute)
	case sk == "":
		return invalid("One or more parameter values are not valid. The AttributeValue for a key attribute cannot contain an empty string value. Key: %s", sortAttribute)
	case len(pk) > 2048:
		return invalid("One or more parameter values were invalid: Size of hashkey has exceeded the maximum size limit of2048 bytes")
	case len(sk) > 1024:
		return invalid("One or more parameter values were invalid: Aggregated size of all range keys has exceeded the size limit of 1024 bytes")
	}
	return nil
}

// checkIndexKeys rejects attributes of the index that have the wrong type.
func checkIndexKeys(it item) error {
	for _, key := range [...]struct{ name, want string }{{indexPartitionAttribute, "S"}, {indexSortAttribute, "N"}} {
		name, want := key.name, key.want
		v, found := it[name]
		if !found {
			continue
		}
		if kind(v) != want {
			return invalid("One or more parameter values were invalid: Type mismatch for Index Key %s Expected: %s Actual: %s IndexName: %s", name, want, kind(v), indexName)
		}
		if s, ok := v.(*stringValue); ok && s.Value == "" {
			return invalid("One or more parameter values are not valid. A value specified for a secondary index key is not supported. The AttributeValue for a key attribute cannot contain an empty string value. IndexName: %s, IndexKey: %s", indexName, name)
		}
	}
	return nil
}

// indexEntry returns what the index holds of an item, or nil.
func indexEntry(it item) item {
	if !inIndex(it) {
		return nil
	}
	return item{
		partitionAttribute: it[partitionAttribute], sortAttribute: it[sortAttribute],
		indexPartitionAttribute: it[indexPartitionAttribute], indexSortAttribute: it[indexSortAttribute],
	}
}

func inIndex(it item) bool {
	return it[indexPartitionAttribute] != nil && it[indexSortAttribute] != nil
}
