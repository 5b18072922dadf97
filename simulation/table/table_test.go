package table_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/google/go-cmp/cmp"

	"github.com/batch-inquiries/batch-inquiries/simulation/table"
)

var name = aws.String("table")

func newTable() *table.Table { return table.New(*name, func() time.Time { return noon }) }

// put writes an item with the number n.
func put(tb testing.TB, sim *table.Table, item string, n string) {
	tb.Helper()
	it := keyOf(item)
	it["n"], it["openShard"], it["nextCheckAt"] = num(n), str("0"), num(n)
	if _, err := sim.PutItem(tb.Context(), &dynamodb.PutItemInput{TableName: name, Item: it}); err != nil {
		tb.Fatal(err)
	}
}

// get returns the number of an item, or "" if there is none.
func get(tb testing.TB, sim *table.Table, item string, consistent bool) string {
	tb.Helper()
	out, err := sim.GetItem(tb.Context(), &dynamodb.GetItemInput{TableName: name, Key: keyOf(item), ConsistentRead: &consistent})
	if err != nil {
		tb.Fatal(err)
	}
	if n, ok := out.Item["n"].(*types.AttributeValueMemberN); ok {
		return n.Value
	}
	return ""
}

// open returns the times in the index at which batches are due.
func open(tb testing.TB, sim *table.Table) []string {
	tb.Helper()
	out, err := sim.Query(tb.Context(), &dynamodb.QueryInput{
		TableName: name, IndexName: aws.String("open"), KeyConditionExpression: aws.String("openShard = :shard"),
		ExpressionAttributeValues: item{":shard": str("0")},
	})
	if err != nil {
		tb.Fatal(err)
	}
	var at []string
	for _, it := range out.Items {
		at = append(at, it["nextCheckAt"].(*types.AttributeValueMemberN).Value)
	}
	return at
}

func TestLag(t *testing.T) {
	t.Parallel()

	t.Run("an eventually consistent read lags as the caller chooses", func(t *testing.T) {
		t.Parallel()
		sim := newTable()
		behind := 0
		sim.Lag = func(_ string, choices int) int { return min(behind, choices-1) }
		for _, n := range []string{"1", "2", "3"} {
			put(t, sim, "a", n)
		}
		for lag, want := range []string{"3", "2", "1", "", ""} {
			behind = lag
			if got := get(t, sim, "a", false); got != want {
				t.Errorf("%d writes behind: %q, want %q", lag, got, want)
			}
			if got := get(t, sim, "a", true); got != "3" {
				t.Errorf("a consistent read gave %q", got)
			}
		}
		if got := open(t, sim); got != nil {
			t.Errorf("an index without any write returns %q", got)
		}

		sim.CatchUp(2)
		if got := get(t, sim, "a", false); got != "2" {
			t.Errorf("after catching up with the second write: %q", got)
		}
		if diff := cmp.Diff([]string{"2"}, open(t, sim)); diff != "" {
			t.Error(diff)
		}
		sim.CatchUp(sim.Commit())
		if got := get(t, sim, "a", false); got != "3" {
			t.Errorf("after catching up with all writes: %q", got)
		}
	})
}

func TestHooks(t *testing.T) {
	t.Parallel()

	t.Run("an error of a hook replaces the reply", func(t *testing.T) {
		t.Parallel()
		sim, lost := newTable(), errors.New("lost")
		once := func(hook *func(string, any) error) {
			*hook = func(operation string, in any) error {
				if _, ok := in.(*dynamodb.PutItemInput); !ok || operation != "PutItem" {
					t.Errorf("hook called with %s, %T", operation, in)
				}
				*hook = nil
				return lost
			}
		}
		in := &dynamodb.PutItemInput{TableName: name, Item: keyOf("a"), ConditionExpression: aws.String("attribute_not_exists(PK)")}

		once(&sim.Before)
		if _, err := sim.PutItem(t.Context(), in); !errors.Is(err, lost) || len(sim.Items()) != 0 {
			t.Errorf("after an error of Before: error %v and %d items", err, len(sim.Items()))
		}
		once(&sim.After)
		if _, err := sim.PutItem(t.Context(), in); !errors.Is(err, lost) || len(sim.Items()) != 1 {
			t.Errorf("after an error of After: error %v and %d items", err, len(sim.Items()))
		}
		gone, cancel := context.WithCancel(t.Context())
		cancel()
		if _, err := sim.PutItem(gone, in); !errors.Is(err, context.Canceled) {
			t.Errorf("a canceled context: error %v", err)
		}
	})
}

func TestRetry(t *testing.T) {
	t.Parallel()

	t.Run("a transaction is sent again with the same token after a lost reply", func(t *testing.T) {
		t.Parallel()
		sim := newTable()
		sim.Retry = func(error) bool { return true }
		replies := 0
		sim.After = func(string, any) error {
			if replies++; replies == 1 {
				return errors.New("lost")
			}
			return nil
		}
		in := &dynamodb.TransactWriteItemsInput{TransactItems: []types.TransactWriteItem{{Update: &types.Update{
			TableName: name, Key: keyOf("a"), UpdateExpression: aws.String("ADD n :one"), ExpressionAttributeValues: item{":one": num("1")},
		}}}}
		if _, err := sim.TransactWriteItems(t.Context(), in); err != nil {
			t.Fatal(err)
		}
		if n := get(t, sim, "a", true); n != "1" || replies < 2 {
			t.Errorf("counted %s in %d requests", n, replies)
		}
		if _, err := sim.TransactWriteItems(t.Context(), in); err != nil { // another call has another token
			t.Fatal(err)
		}
		if n := get(t, sim, "a", true); n != "2" {
			t.Errorf("counted %s", n)
		}
	})
}

func TestRemove(t *testing.T) {
	t.Parallel()

	t.Run("the stream record names the service", func(t *testing.T) {
		t.Parallel()
		sim := newTable()
		it := keyOf("a")
		it["expiresAt"] = num("1")
		if _, err := sim.PutItem(t.Context(), &dynamodb.PutItemInput{TableName: name, Item: it}); err != nil {
			t.Fatal(err)
		}
		put(t, sim, "b", "1")
		want := []table.Key{{PK: "item", SK: "a"}}
		if diff := cmp.Diff(want, sim.Expired(noon)); diff != "" {
			t.Fatal(diff)
		}
		if !sim.Remove(want[0]) || sim.Remove(want[0]) {
			t.Error("Remove must report true once")
		}
		records := sim.Records(2)
		if len(records) != 1 {
			t.Fatalf("%d records, want 1", len(records))
		}
		r := records[0]
		if r.EventName != "REMOVE" || r.Change.NewImage != nil {
			t.Errorf("event %s with the new image %v, want a removal", r.EventName, r.Change.NewImage)
		}
		if r.UserIdentity == nil || r.UserIdentity.PrincipalID != "dynamodb.amazonaws.com" {
			t.Errorf("the record's user identity is %+v, want the service", r.UserIdentity)
		}
	})
}

func TestPutItem(t *testing.T) {
	t.Parallel()

	t.Run("the table shares no bytes with its callers", func(t *testing.T) {
		t.Parallel()
		sim := newTable()
		it := keyOf("a")
		ledger := []byte{1, 2, 3}
		it["ledger"] = &types.AttributeValueMemberB{Value: ledger}
		if _, err := sim.PutItem(t.Context(), &dynamodb.PutItemInput{TableName: name, Item: it}); err != nil {
			t.Fatal(err)
		}
		ledger[0] = 9
		out, err := sim.GetItem(t.Context(), &dynamodb.GetItemInput{TableName: name, Key: keyOf("a")})
		if err != nil {
			t.Fatal(err)
		}
		out.Item["ledger"].(*types.AttributeValueMemberB).Value[1] = 9
		if got := spell(sim.Item(table.Key{PK: "item", SK: "a"})); got != `{PK: "item", SK: "a", ledger: 0x010203}` {
			t.Errorf("the table contains %s", got)
		}
	})
}

func TestGetItem(t *testing.T) {
	t.Parallel()

	t.Run("another table is not found", func(t *testing.T) {
		t.Parallel()
		_, err := newTable().GetItem(t.Context(), &dynamodb.GetItemInput{TableName: aws.String("another"), Key: keyOf("a")})
		if _, ok := errors.AsType[*types.ResourceNotFoundException](err); !ok {
			t.Errorf("reading another table: %v", err)
		}
	})
}
