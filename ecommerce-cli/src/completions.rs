//! `ecommerce completions`: what a shell needs to complete our command line.

use clap::{Args, CommandFactory};
use clap_complete::Shell;

use crate::{args::Cli, error::Error, shop::Shop};

/// Print completions for a shell.
///
/// For bash: ecommerce completions bash > ~/.local/share/bash-completion/completions/ecommerce
#[derive(Debug, Args)]
pub(crate) struct CompletionsArgs {
    /// Which shell.
    shell: Shell,
}

pub(crate) fn run(shop: &Shop, args: &CompletionsArgs) -> Result<(), Error> {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut Cli::command(), "ecommerce", &mut script);
    shop.output().line(&String::from_utf8_lossy(&script))
}
