package main

import (
	"testing"
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
		same(t, "local indexes, which forbid a key's split", table["LocalSecondaryIndexes"], nil)
	})
}
