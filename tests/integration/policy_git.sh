#!/usr/bin/env bash
# Everyday git through a mount with fs_sandbox: what works, what is refused, and that a refusal
# changes nothing. docs/policy-reference.md lists the refusals with their reasons.
. "$(dirname "$0")/../support/integration.sh"
. "$(dirname "$0")/../support/mounted.sh"

command -v git >/dev/null || skip "needs git"

export HOME=$work/home GIT_CONFIG_NOSYSTEM=1
export GIT_AUTHOR_NAME=a GIT_AUTHOR_EMAIL=a@example.org GIT_COMMITTER_NAME=a GIT_COMMITTER_EMAIL=a@example.org
mkdir -p "$HOME"
git config --global init.defaultBranch main
git config --global safe.directory '*'
git config --global advice.detachedHead false

# The workspace as a person hands it over: a repository with a remote beside it.
git init -q "$work/source"
cd "$work/source" || exit 1
git init -q --bare upstream.git
echo one >a
git add a
git commit -qm one
git remote add origin "$work/mount/upstream.git"
git -C "$work/source" push -q "$work/source/upstream.git" main
git worktree add -q -b aside aside
echo "gitdir: ../.git/worktrees/aside" >aside/.git # as under run, where the path is the same
config_before=$(sha256sum .git/config)
cd "$work" || exit 1

mount_tree --policy fs_sandbox
cd "$work/mount" || exit 1

check "status" git status --porcelain
echo two >>a
check "add" git add a
check "commit" git commit -qm two
check "log" git log --oneline
check "branch" git branch topic
check "checkout" git checkout -q topic
echo three >b
check "add a new file" git add b
check "commit on the branch" git commit -qm three
check "checkout main" git checkout -q main
echo four >c
git add c
check "commit on main" git commit -qm four
check "merge" git merge -q --no-edit topic
check "a second branch" git checkout -q -b work HEAD~1
echo five >d
git add d
git commit -qm five
check "rebase" git rebase -q main
check "checkout back" git checkout -q main
echo dirty >>a
check "stash" git stash -q
check "stash pop" git stash pop -q
check "diff" git diff --stat
check "restore" git checkout -q -- a
check "tag" git tag v1
check "gc" git gc -q
check "push" git push -q origin main
check "fetch" git fetch -q origin
check "reset" git reset -q --hard HEAD
check "clone into a subdirectory" git clone -q upstream.git sub
check "work in the clone" sh -c 'cd sub && echo six >e && git add e && git commit -qm six && git push -q origin HEAD:refs/heads/six'
check "a worktree that a person made" sh -c 'cd aside && git status --porcelain && echo seven >f && git add f && git commit -qm seven'
check "the repository is whole" git fsck --strict

check_fails "config" git config core.fsmonitor ./evil
check_fails "remote add" git remote add evil https://evil.example
check_fails "a hook" sh -c 'echo evil >.git/hooks/pre-commit'
check_fails "a hook by rename" mv a .git/hooks/post-checkout
check_fails "a hook in the clone" sh -c 'echo evil >sub/.git/hooks/post-checkout'
check_fails "a hook from its sample" mv sub/.git/hooks/pre-commit.sample sub/.git/hooks/pre-commit
check_fails "another common directory" sh -c 'echo ../evil >.git/commondir'
check_fails "a worktree of its own" git worktree add -q -b other other
check_fails "another common directory for a worktree" sh -c 'echo ../../evil >.git/worktrees/aside/commondir'
check_fails "the same by rename" sh -c 'echo evil >evil && mv evil .git/worktrees/aside/commondir'
check_fails "another repository for a worktree" sh -c 'echo gitdir: ../evil >aside/.git'
check_fails "the repository moved away" mv .git elsewhere
check_fails "the clone's repository moved away" mv sub/.git sub/elsewhere
check_fails "another common directory for the clone" sh -c 'echo ../../evil >sub/.git/commondir'
check_fails "a second configuration for the clone" sh -c 'echo "[core] fsmonitor = evil" >sub/.git/config.worktree'
check_fails "the same by rename" sh -c 'echo evil >evil && mv evil sub/.git/config.worktree'
check_fails "a module's configuration in the clone" sh -c 'mkdir -p sub/.git/modules/m && echo evil >sub/.git/modules/m/config'
check_fails "a worktree of the clone" git -C sub worktree add -q -b other ../other2
check_fails "a new .git that is a file" sh -c 'mkdir new && echo gitdir: ../evil >new/.git'
check_fails "a submodule of the clone" git -C sub -c protocol.file.allow=always submodule add -q ../upstream.git module
check_fails "a submodule" git -c protocol.file.allow=always submodule add -q ./upstream.git module
check_fails "an editor's task" sh -c 'mkdir .vscode && echo evil >.vscode/tasks.json'
check_fails "a secret" cat .env
check "the configuration is untouched" test "$config_before" = "$(cd "$work/source" && sha256sum .git/config)"
check_exit "the refusals name their rules" 0 sh -c "cat '$audit'/log/*.jsonl | grep -q '\"rule\":\"git-hooks\"'"
check "no hook appeared" test -z "$(find "$work/source/.git/hooks" -type f ! -name '*.sample')"
cd / || exit 1
