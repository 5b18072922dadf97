package store

import (
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

// Why DynamoDB canceled a transaction: the codes of one action's reason.
// docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_TransactWriteItems.html
const (
	conditionFailed     = "ConditionalCheckFailed"
	transactionConflict = "TransactionConflict" // another transaction is writing the same item
	throttlingError     = "ThrottlingError"
	capacityExceeded    = "ProvisionedThroughputExceeded"
)

// failedCondition reports whether the action's condition was not met.
func failedCondition(r types.CancellationReason) bool { return aws.ToString(r.Code) == conditionFailed }

// throttled reports whether the table accepts no more requests at the moment.
func throttled(r types.CancellationReason) bool {
	code := aws.ToString(r.Code)
	return code == throttlingError || code == capacityExceeded
}

// contended reports whether trying again may help.
func contended(r types.CancellationReason) bool {
	return aws.ToString(r.Code) == transactionConflict || throttled(r)
}

// put returns a transaction's action that writes a whole item. The condition may
// be "".
func (s *Store) put(it item, condition string, values item) types.TransactWriteItem {
	put := &types.Put{TableName: aws.String(s.table), Item: it, ExpressionAttributeValues: values}
	if condition != "" {
		put.ConditionExpression = &condition
		put.ReturnValuesOnConditionCheckFailure = types.ReturnValuesOnConditionCheckFailureAllOld
	}
	return types.TransactWriteItem{Put: put}
}

// check returns a transaction's action that only checks a condition.
func (s *Store) check(k item, condition string, names map[string]string, values item) types.TransactWriteItem {
	return types.TransactWriteItem{ConditionCheck: &types.ConditionCheck{
		TableName: aws.String(s.table), Key: k, ConditionExpression: &condition,
		ExpressionAttributeNames: names, ExpressionAttributeValues: values,
		ReturnValuesOnConditionCheckFailure: types.ReturnValuesOnConditionCheckFailureAllOld,
	}}
}

// updateInput turns a transaction's update into a request of its own.
func updateInput(u types.Update) *dynamodb.UpdateItemInput {
	return &dynamodb.UpdateItemInput{
		TableName: u.TableName, Key: u.Key, UpdateExpression: u.UpdateExpression, ConditionExpression: u.ConditionExpression,
		ExpressionAttributeNames: u.ExpressionAttributeNames, ExpressionAttributeValues: u.ExpressionAttributeValues,
		ReturnValuesOnConditionCheckFailure: u.ReturnValuesOnConditionCheckFailure,
	}
}
