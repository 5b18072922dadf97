package main

import (
	"encoding/json"
	"testing"

	"github.com/batch-inquiries/batch-inquiries/infra/local/engine"
)

func TestNewTable(t *testing.T) {
	t.Parallel()

	t.Run("the table has a stream, expiry, recovery, encryption and one index", func(t *testing.T) {
		t.Parallel()

		table := dev().one(t, "AWS::DynamoDB::Table", "").Properties
		same(t, "stream", at(table, "StreamSpecification", "StreamViewType"), "NEW_IMAGE")
		same(t, "expiry", at(table, "TimeToLiveSpecification"), map[string]any{"AttributeName": "expiresAt", "Enabled": true})
		same(t, "recovery", at(table, "PointInTimeRecoverySpecification", "PointInTimeRecoveryEnabled"), true)
		same(t, "encryption", at(table, "SSESpecification", "SSEEnabled"), true)
		same(t, "billing", table["BillingMode"], "PAY_PER_REQUEST")
		same(t, "indexes", len(list(table["GlobalSecondaryIndexes"])), 1)
		same(t, "index", at(table, "GlobalSecondaryIndexes", 0, "Projection", "ProjectionType"), "KEYS_ONLY")
		same(t, "local indexes, which keep a partition key from being split", table["LocalSecondaryIndexes"], nil)
	})

	// The local table's schema spells the names out, see engine.TableSchema.
	t.Run("local tables have the same keys and index", func(t *testing.T) {
		t.Parallel()

		table := dev().one(t, "AWS::DynamoDB::Table", "").Properties
		data, err := json.Marshal(engine.TableSchema("local"))
		if err != nil {
			t.Fatal(err)
		}
		var local map[string]any
		if err := json.Unmarshal(data, &local); err != nil {
			t.Fatal(err)
		}
		same(t, "keys", at(local, "KeySchema"), table["KeySchema"])
		same(t, "index", at(local, "GlobalSecondaryIndexes", 0, "IndexName"), at(table, "GlobalSecondaryIndexes", 0, "IndexName"))
		same(t, "index's keys", at(local, "GlobalSecondaryIndexes", 0, "KeySchema"), at(table, "GlobalSecondaryIndexes", 0, "KeySchema"))
		same(t, "index's projection", at(local, "GlobalSecondaryIndexes", 0, "Projection", "ProjectionType"),
			at(table, "GlobalSecondaryIndexes", 0, "Projection", "ProjectionType"))
		same(t, "attributes", at(local, "AttributeDefinitions"), table["AttributeDefinitions"])
	})
}
