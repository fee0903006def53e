//! `transload completions`.

use std::io::Write;

use anyhow::Result;
use clap::{Args, CommandFactory};
use clap_complete::{Shell, generate};

use super::args::Cli;
use super::signals::Signals;
use super::stdio;

const WHERE: &str = "\
Examples:
  transload completions zsh > ~/.zfunc/_transload
  source <(transload completions bash)

Where each shell looks for it:
  bash        ~/.local/share/bash-completion/completions/transload
              /usr/share/bash-completion/completions/transload, for all users
  zsh         _transload in a folder of $fpath, as in ~/.zshrc:
              fpath=(~/.zfunc $fpath); autoload -U compinit; compinit
              /usr/local/share/zsh/site-functions/_transload, for all users
  fish        ~/.config/fish/completions/transload.fish
              /usr/share/fish/vendor_completions.d/transload.fish, for all users
  elvish      this line in ~/.config/elvish/rc.elv:
              eval (transload completions elvish | slurp)
  powershell  this line in the file $PROFILE:
              transload completions powershell | Out-String | Invoke-Expression

bash and zsh can also `source` it and fish can read it by `| source`, for one
session or in their startup files.";

#[derive(Args, Debug)]
#[command(after_help = WHERE)]
pub(super) struct CompletionsArgs {
    /// Shell that the script is for
    #[arg(value_enum, value_name = "SHELL")]
    shell: Shell,
}

pub(super) fn run(args: &CompletionsArgs, signals: &Signals) -> Result<()> {
    let mut script = Vec::new();
    generate(args.shell, &mut Cli::command(), "transload", &mut script);
    let mut stdout = stdio::plain_answer(signals);
    stdout.write_all(&script)?;
    stdout.flush()?;
    Ok(())
}
