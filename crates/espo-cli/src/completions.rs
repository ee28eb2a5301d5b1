//! `espo completions` and `espo man`.

use std::path::PathBuf;

use crate::failure::Failure;

/// Print a completion script for a shell.
///
/// For example: espo completions bash > ~/.local/share/bash-completion/completions/espo
#[derive(clap::Args)]
pub(crate) struct Args {
    /// Shell for which to print the script.
    shell: clap_complete::Shell,
}

/// Write man pages: one for espo and one per command.
#[derive(clap::Args)]
pub(crate) struct ManArgs {
    /// Directory to write to; it is created if needed. By default, espo.1 is printed.
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
}

pub(crate) fn completions(args: &Args) -> Result<(), Failure> {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut crate::command(), "espo", &mut script);
    espo_stdio::out!("{}", String::from_utf8_lossy(&script))?;
    Ok(())
}

pub(crate) fn man(args: &ManArgs) -> Result<(), Failure> {
    let command = crate::command();
    match &args.out {
        Some(folder) => {
            let failed = |error| Failure::file("write the man pages to", folder, error);
            std::fs::create_dir_all(folder).map_err(failed)?;
            clap_mangen::generate_to(command, folder).map_err(failed)?;
            espo_stdio::outln!("man pages in {}", folder.display())?;
        }
        None => {
            let mut page = Vec::new();
            clap_mangen::Man::new(command).render(&mut page)?;
            espo_stdio::out!("{}", String::from_utf8_lossy(&page))?;
        }
    }
    Ok(())
}
