package e2e

import (
	"net/http"
	"slices"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/batch-inquiries/batch-inquiries/shared/httpapi/hostile"
)

// Forty bodies of each kind, over the whole way. Every kind has a lender of its
// own, of whom nothing but themselves is in the table at the end.
func TestHostileInputStoresNothing(t *testing.T) {
	t.Parallel()
	if n := len(hostile.Kinds()) * hostile.Each; n < 200 {
		t.Fatalf("%d hostile bodies", n)
	}
	for _, kind := range hostile.Kinds() {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			u := newUser(t, "", "member")
			for seed := range uint64(hostile.Each) {
				resp, body := u.key().do(t, http.MethodPost, "/v1/batch-inquiries/", hostile.Body(kind, seed))
				want := []int{http.StatusBadRequest, http.StatusUnprocessableEntity}
				if !slices.Contains(want, resp.StatusCode) {
					t.Errorf("seed %d: %s: %.300s", seed, resp.Status, body)
					continue
				}
				refused(t, kind, resp, body, resp.StatusCode)
			}
			left, err := lookInside().table.Query(t.Context(), &dynamodb.QueryInput{
				TableName: &stack.TableName, ConsistentRead: aws.Bool(true),
				KeyConditionExpression:    aws.String("PK = :lender"),
				ExpressionAttributeValues: map[string]types.AttributeValue{":lender": &types.AttributeValueMemberS{Value: "LENDER#" + u.lender}},
			})
			if err != nil || len(left.Items) != 1 {
				t.Errorf("%d items of the lender, want its own alone; %v", len(left.Items), err)
			}
			if resp, body := u.key().do(t, http.MethodPost, "/v1/batch-inquiries/", hostile.Valid()); resp.StatusCode != http.StatusOK {
				t.Errorf("the sound body is refused, so that this shows nothing: %s", body)
			}
		})
	}
}
