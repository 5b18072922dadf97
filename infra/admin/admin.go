package main

import (
	"context"

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
	access access
	people people
	pool   string // the Cognito user pool; empty is an error of user commands
}

// access is the table's part; *store.Store has all of it.
type access interface {
	CreateLender(ctx context.Context, l inquiry.Lender) (stored inquiry.Lender, created bool, err error)
	Lender(ctx context.Context, id inquiry.LenderID) (inquiry.Lender, error)
	SuspendLender(ctx context.Context, id inquiry.LenderID) (changed bool, err error)
	ResumeLender(ctx context.Context, id inquiry.LenderID) (changed bool, err error)
	SetBatchMax(ctx context.Context, id inquiry.LenderID, batchMax int) (changed bool, err error)

	AddUser(ctx context.Context, u store.User) (stored store.User, added bool, err error)
	User(ctx context.Context, id string) (store.User, error)
	SuspendUser(ctx context.Context, id string) (changed bool, err error)
	ResumeUser(ctx context.Context, id string) (changed bool, err error)
	SetRole(ctx context.Context, id, role string) (changed bool, err error)
	RotateAPIKey(ctx context.Context, id string) (store.APIKey, error)
	RevokeAPIKey(ctx context.Context, id string) (changed bool, err error)
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
