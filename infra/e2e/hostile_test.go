package e2e

import (
	"net/http"
	"slices"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/batch-inquiries/batch-inquiries/shared/httpapi/hostile"
	"github.com/batch-inquiries/batch-inquiries/shared/store"
)

// The service rejects forty bodies of each hostile kind. Each kind has its own lender,
// and in the end the table has only the lender's own item.
func TestHostileInput(t *testing.T) {
	t.Parallel()
	if n := len(hostile.Kinds()) * hostile.Each; n < 200 {
		t.Fatalf("there are %d hostile bodies, want at least 200", n)
	}
	for _, kind := range hostile.Kinds() {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			u := newUser(t, "", "member")
			for seed := range uint64(hostile.Each) {
				resp, body := u.key().do(t, http.MethodPost, "/v1/batch-inquiries/", hostile.Body(kind, seed))
				want := []int{http.StatusBadRequest, http.StatusUnprocessableEntity}
				if !slices.Contains(want, resp.StatusCode) {
					t.Errorf("seed %d: status %s, want one of %v: %.300s", seed, resp.Status, want, body)
					continue
				}
				checkProblem(t, kind, resp, body, resp.StatusCode)
			}
			left, err := newInternals().table.Query(t.Context(), &dynamodb.QueryInput{
				TableName: &stack.TableName, ConsistentRead: aws.Bool(true),
				KeyConditionExpression:    aws.String(store.PKAttribute + " = :lender"),
				ExpressionAttributeValues: map[string]types.AttributeValue{":lender": &types.AttributeValueMemberS{Value: store.LenderPrefix + u.lender}},
			})
			if err != nil {
				t.Fatal(err)
			}
			if len(left.Items) != 1 {
				t.Errorf("the table has %d items of the lender, want only its counts", len(left.Items))
			}
			if resp, body := u.key().do(t, http.MethodPost, "/v1/batch-inquiries/", hostile.Valid()); resp.StatusCode != http.StatusOK {
				t.Errorf("the valid body is rejected too, so this test proves nothing: %s", body)
			}
		})
	}
}
