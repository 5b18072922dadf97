package main

import (
	"context"

	"github.com/aws/aws-sdk-go-v2/service/apigateway"
	cognito "github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider"

	"github.com/batch-inquiries/batch-inquiries/shared/inquiry"
	"github.com/batch-inquiries/batch-inquiries/shared/store"
)

// admin does the work of the commands. A user is in two places: Cognito knows
// how they sign in, the table for whom they act. Without an item in the table
// an account in Cognito may do nothing, so what is granted is written to
// Cognito first and to the table last, and what is taken away the other way
// round. Whatever a run leaves undone, running it again does.
type admin struct {
	access  access
	people  people
	pool    string // the Cognito user pool; empty is an error of user commands
	gateway gateway
	plan    string // the gateway's usage plan; empty is an error of lender create
}

// access is the table's part; *store.Store has all of it.
type access interface {
	CreateLender(ctx context.Context, l inquiry.Lender) (stored inquiry.Lender, created bool, err error)
	Lender(ctx context.Context, id inquiry.LenderID) (inquiry.Lender, error)
	SuspendLender(ctx context.Context, id inquiry.LenderID) (changed bool, err error)
	ResumeLender(ctx context.Context, id inquiry.LenderID) (changed bool, err error)
	SetBatchMax(ctx context.Context, id inquiry.LenderID, batchMax int) (changed bool, err error)
	SetOpenMax(ctx context.Context, id inquiry.LenderID, openMax int) (changed bool, err error)

	AddUser(ctx context.Context, u store.User) (stored store.User, added bool, err error)
	User(ctx context.Context, id string) (store.User, error)
	SuspendUser(ctx context.Context, id string) (changed bool, err error)
	ResumeUser(ctx context.Context, id string) (changed bool, err error)
	SetRole(ctx context.Context, id, role string) (changed bool, err error)
	RotateAPIKey(ctx context.Context, id string, r store.Rotation) (k store.APIKey, replayed bool, err error)
	RevokeAPIKey(ctx context.Context, id string, version int) (changed bool, err error)
}

// people is Cognito's part.
type people interface {
	AdminCreateUser(ctx context.Context, in *cognito.AdminCreateUserInput, opts ...func(*cognito.Options)) (*cognito.AdminCreateUserOutput, error)
	AdminGetUser(ctx context.Context, in *cognito.AdminGetUserInput, opts ...func(*cognito.Options)) (*cognito.AdminGetUserOutput, error)
	AdminSetUserPassword(ctx context.Context, in *cognito.AdminSetUserPasswordInput, opts ...func(*cognito.Options)) (*cognito.AdminSetUserPasswordOutput, error)
	AdminDisableUser(ctx context.Context, in *cognito.AdminDisableUserInput, opts ...func(*cognito.Options)) (*cognito.AdminDisableUserOutput, error)
	AdminEnableUser(ctx context.Context, in *cognito.AdminEnableUserInput, opts ...func(*cognito.Options)) (*cognito.AdminEnableUserOutput, error)
	AdminUserGlobalSignOut(ctx context.Context, in *cognito.AdminUserGlobalSignOutInput, opts ...func(*cognito.Options)) (*cognito.AdminUserGlobalSignOutOutput, error)
}

// gateway is API Gateway's part: it counts a lender's requests.
type gateway interface {
	GetUsagePlan(ctx context.Context, in *apigateway.GetUsagePlanInput, opts ...func(*apigateway.Options)) (*apigateway.GetUsagePlanOutput, error)
	GetApiKeys(ctx context.Context, in *apigateway.GetApiKeysInput, opts ...func(*apigateway.Options)) (*apigateway.GetApiKeysOutput, error)
	CreateApiKey(ctx context.Context, in *apigateway.CreateApiKeyInput, opts ...func(*apigateway.Options)) (*apigateway.CreateApiKeyOutput, error)
	GetUsagePlanKey(ctx context.Context, in *apigateway.GetUsagePlanKeyInput, opts ...func(*apigateway.Options)) (*apigateway.GetUsagePlanKeyOutput, error)
	CreateUsagePlanKey(ctx context.Context, in *apigateway.CreateUsagePlanKeyInput, opts ...func(*apigateway.Options)) (*apigateway.CreateUsagePlanKeyOutput, error)
}
