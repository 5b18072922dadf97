package store

import (
	"context"
	"crypto/rand"
	"fmt"
	mathrand "math/rand/v2"
	"strconv"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/batch-inquiries/batch-inquiries/shared/inquiry"
)

// A lender's waits are one item with numbered places. A place is free if the item has no
// such attribute, or if the time in it has passed. A taken place has this time and a
// token, as "<milliseconds since 1970>/<token>", so that places compare by time.

// waitTries is how often BeginWait tries to take a place that was free a moment before.
const waitTries = 3

// BeginWait takes one of the lender's places for requests that wait. It returns how many
// are left, or inquiry.ErrTooManyWaits if all are taken. The place is free again after end
// was called or, if the function dies before that, after the lease.
//
// It costs one write, and one more for each time that another wait was faster. So does
// end.
func (s *Store) BeginWait(ctx context.Context, lender inquiry.LenderID, places int, lease time.Duration) (end func(context.Context) error, left int, err error) {
	mine := waitTime(s.now().Add(lease)) + "/" + rand.Text()
	number := mathrand.IntN(places)
	for range waitTries {
		waits, err := s.takePlace(ctx, lender, number, mine)
		if err != nil {
			return nil, 0, fmt.Errorf("beginning a wait of lender %s: %w", lender, err)
		}
		free := s.freePlaces(waits, places)
		if textOf(waits, placeAttribute(number)) == mine {
			end = func(ctx context.Context) error { return s.endWait(ctx, lender, number, mine) }
			return end, len(free), nil
		}
		if len(free) == 0 {
			break
		}
		number = free[mathrand.IntN(len(free))]
	}
	return nil, 0, inquiry.ErrTooManyWaits
}

// takePlace takes one place if it is free, and returns the lender's waits as they are
// then. The place can be ours although the condition failed: an earlier try of the SDK
// took it and its reply was lost.
func (s *Store) takePlace(ctx context.Context, lender inquiry.LenderID, number int, mine string) (waits item, err error) {
	out, err := s.db.UpdateItem(ctx, &dynamodb.UpdateItemInput{
		TableName:                           &s.table,
		Key:                                 key(lenderKey(lender), waitsKey),
		UpdateExpression:                    aws.String("SET #place = :mine"),
		ConditionExpression:                 aws.String("attribute_not_exists(#place) OR #place <= :now"),
		ExpressionAttributeNames:            map[string]string{"#place": placeAttribute(number)},
		ExpressionAttributeValues:           item{":mine": text(mine), ":now": text(waitTime(s.now()))},
		ReturnValues:                        types.ReturnValueAllNew,
		ReturnValuesOnConditionCheckFailure: types.ReturnValuesOnConditionCheckFailureAllOld,
	})
	if old, refused := refusal(err); refused {
		return old, nil
	}
	if err != nil {
		return nil, err
	}
	return out.Attributes, nil
}

// freePlaces lists the places that are free.
func (s *Store) freePlaces(waits item, places int) []int {
	var free []int
	for number := range places {
		if textOf(waits, placeAttribute(number)) <= waitTime(s.now()) {
			free = append(free, number)
		}
	}
	return free
}

// endWait gives a place back. It changes nothing if the place is not ours any more.
func (s *Store) endWait(ctx context.Context, lender inquiry.LenderID, number int, mine string) error {
	_, err := s.db.UpdateItem(ctx, &dynamodb.UpdateItemInput{
		TableName:                 &s.table,
		Key:                       key(lenderKey(lender), waitsKey),
		UpdateExpression:          aws.String("REMOVE #place"),
		ConditionExpression:       aws.String("#place = :mine"),
		ExpressionAttributeNames:  map[string]string{"#place": placeAttribute(number)},
		ExpressionAttributeValues: item{":mine": text(mine)},
	})
	if _, refused := refusal(err); refused {
		return nil
	}
	return annotate(err, "ending a wait of lender %s", lender)
}

func placeAttribute(number int) string { return "place" + strconv.Itoa(number) }

// waitTime returns a time as text that sorts like the time.
func waitTime(t time.Time) string { return fmt.Sprintf("%013d", t.UnixMilli()) }
