//! `transload completions`.

use std::io::{self, Write};

use anyhow::Result;
use clap::{Args, CommandFactory};
use clap_complete::{Shell, generate};

use super::args::Cli;

const WHERE: &str = "\
Where each shell looks for it:
  bash        transload completions bash > ~/.local/share/bash-completion/completions/transload
              (for all users: /usr/share/bash-completion/completions/transload)
  zsh         transload completions zsh > ~/.zfunc/_transload
              with this in ~/.zshrc: fpath=(~/.zfunc $fpath); autoload -U compinit; compinit
              (for all users: /usr/local/share/zsh/site-functions/_transload)
  fish        transload completions fish > ~/.config/fish/completions/transload.fish
  elvish      transload completions elvish > ~/.config/elvish/lib/transload.elv
              with this in ~/.config/elvish/rc.elv: use transload
  powershell  transload completions powershell >> $PROFILE

For one session only:
  bash        source <(transload completions bash)
  fish        transload completions fish | source";

#[derive(Args, Debug)]
#[command(after_help = WHERE)]
pub(super) struct CompletionsArgs {
    /// Shell that the script is for
    #[arg(value_enum, value_name = "SHELL")]
    shell: Shell,
}

pub(super) fn run(args: &CompletionsArgs) -> Result<()> {
    let mut script = Vec::new();
    generate(args.shell, &mut Cli::command(), "transload", &mut script);
    let mut stdout = io::stdout();
    stdout.write_all(&script)?;
    stdout.flush()?;
    Ok(())
}
