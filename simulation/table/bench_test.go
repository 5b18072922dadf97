package table_test

import (
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/batch-inquiries/batch-inquiries/shared/inquiry"
	"github.com/batch-inquiries/batch-inquiries/shared/store"
	"github.com/batch-inquiries/batch-inquiries/simulation/table"
)

// BenchmarkConditionalUpdate makes the claim of package store on an existing item.
func BenchmarkConditionalUpdate(b *testing.B) {
	sim := table.New("table", func() time.Time { return noon })
	lease := &types.AttributeValueMemberN{Value: "1"}
	in := &dynamodb.UpdateItemInput{
		TableName: aws.String("table"), Key: keyOf("claimed"),
		UpdateExpression: aws.String("SET #status = :running, claimId = :token, leaseUntil = :lease, expiresAt = :expires, " +
			"startedAt = if_not_exists(startedAt, :now), attempt = if_not_exists(attempt, :none) + :one"),
		ConditionExpression:      aws.String("attribute_not_exists(PK) OR (#status = :running AND leaseUntil <= :now)"),
		ExpressionAttributeNames: map[string]string{"#status": "status"},
		ExpressionAttributeValues: item{
			":running": str("RUNNING"), ":token": str("token"), ":lease": lease, ":now": num("1795435200000"),
			":expires": num("1795435200"), ":none": num("0"), ":one": num("1"),
		},
		ReturnValues:                        types.ReturnValueAllNew,
		ReturnValuesOnConditionCheckFailure: types.ReturnValuesOnConditionCheckFailureAllOld,
	}
	for b.Loop() {
		if _, err := sim.UpdateItem(b.Context(), in); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkGetItem(b *testing.B) {
	sim := table.New("table", func() time.Time { return noon })
	if _, err := sim.PutItem(b.Context(), &dynamodb.PutItemInput{TableName: aws.String("table"), Item: everyType("there")}); err != nil {
		b.Fatal(err)
	}
	in := &dynamodb.GetItemInput{TableName: aws.String("table"), Key: keyOf("there")}
	for b.Loop() {
		if _, err := sim.GetItem(b.Context(), in); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkHistory takes the inquiries of one batch through the table: claimed,
// finished and counted.
func BenchmarkHistory(b *testing.B) {
	now := noon
	calls := 0
	for b.Loop() {
		sim := table.New("table", func() time.Time { return now })
		sim.Before = func(string, any) error { calls++; return nil }
		s := store.New(sim, "table", func() time.Time { return now })
		lender, _, err := s.CreateLender(b.Context(), inquiry.Lender{ID: "acme", Name: "A Lender"})
		if err != nil {
			b.Fatal(err)
		}
		by := inquiry.Submitter{UserID: "u1", Role: "member"}
		if _, _, err := s.AddUser(b.Context(), store.User{ID: by.UserID, LenderID: "acme", Role: by.Role}); err != nil {
			b.Fatal(err)
		}
		sub := inquiry.Submission{Submitter: by, Inquiries: make([]inquiry.Inquiry, 50)}
		id, _, err := s.Submit(b.Context(), lender, sub)
		if err != nil {
			b.Fatal(err)
		}
		for i := range sub.Inquiries {
			claim, err := s.Claim(b.Context(), "acme", id.Inquiry(i), "worker", now.Add(time.Minute))
			if err != nil {
				b.Fatal(err)
			}
			if err := s.Finish(b.Context(), claim, store.Result{Status: inquiry.StatusCompleted}); err != nil {
				b.Fatal(err)
			}
			change := inquiry.Change{Index: i, Status: inquiry.StatusCompleted, Figures: inquiry.Figures{StartedAt: now, FinishedAt: now}}
			if _, err := s.Merge(b.Context(), "acme", id, []inquiry.Change{change}); err != nil {
				b.Fatal(err)
			}
		}
		sim.Records(0)
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(calls), "ns/call")
}
