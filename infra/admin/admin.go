package main

import (
	"context"

	"github.com/aws/aws-sdk-go-v2/service/apigateway"
	cognito "github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider"

	"github.com/batch-inquiries/batch-inquiries/shared/inquiry"
	"github.com/batch-inquiries/batch-inquiries/shared/store"
)

// admin does the work of the commands. A user is stored in two places: Cognito
// knows how the user signs in, and the table knows which lender the user acts for.
// An account in Cognito without an item in the table has no access. Therefore,
// granting access writes to Cognito first and to the table last, and revoking access
// writes in the reverse order. Repeating a command finishes an interrupted run.
type admin struct {
	access   access
	userPool userPool
	poolID   string // empty makes user commands fail
	gateway  gateway
	planID   string // the usage plan; empty makes lender create fail

	generation int // of the master key, for new API keys; 0 makes user rotate-key fail
}

// access stores lenders, users and keys in the table; *store.Store implements it.
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

// userPool has the users' accounts; Cognito's client implements it.
type userPool interface {
	AdminCreateUser(ctx context.Context, in *cognito.AdminCreateUserInput, opts ...func(*cognito.Options)) (*cognito.AdminCreateUserOutput, error)
	AdminGetUser(ctx context.Context, in *cognito.AdminGetUserInput, opts ...func(*cognito.Options)) (*cognito.AdminGetUserOutput, error)
	AdminSetUserPassword(ctx context.Context, in *cognito.AdminSetUserPasswordInput, opts ...func(*cognito.Options)) (*cognito.AdminSetUserPasswordOutput, error)
	AdminDisableUser(ctx context.Context, in *cognito.AdminDisableUserInput, opts ...func(*cognito.Options)) (*cognito.AdminDisableUserOutput, error)
	AdminEnableUser(ctx context.Context, in *cognito.AdminEnableUserInput, opts ...func(*cognito.Options)) (*cognito.AdminEnableUserOutput, error)
	AdminUserGlobalSignOut(ctx context.Context, in *cognito.AdminUserGlobalSignOutInput, opts ...func(*cognito.Options)) (*cognito.AdminUserGlobalSignOutOutput, error)
}

// gateway counts and limits each lender's requests; API Gateway's client implements
// it.
type gateway interface {
	GetUsagePlan(ctx context.Context, in *apigateway.GetUsagePlanInput, opts ...func(*apigateway.Options)) (*apigateway.GetUsagePlanOutput, error)
	GetApiKeys(ctx context.Context, in *apigateway.GetApiKeysInput, opts ...func(*apigateway.Options)) (*apigateway.GetApiKeysOutput, error)
	CreateApiKey(ctx context.Context, in *apigateway.CreateApiKeyInput, opts ...func(*apigateway.Options)) (*apigateway.CreateApiKeyOutput, error)
	GetUsagePlanKey(ctx context.Context, in *apigateway.GetUsagePlanKeyInput, opts ...func(*apigateway.Options)) (*apigateway.GetUsagePlanKeyOutput, error)
	CreateUsagePlanKey(ctx context.Context, in *apigateway.CreateUsagePlanKeyInput, opts ...func(*apigateway.Options)) (*apigateway.CreateUsagePlanKeyOutput, error)
}
